/* Squared deviations from a Gaussian's means: plain C, ARMv6-M and DSP instructions, all with the same bits. */
#include "gaussian.h"

#if defined(__ARM_FEATURE_DSP)

__attribute__((naked)) uint64_t gaussian_deviation(const int16_t *x, const gaussian_term *terms, int32_t n_in)
{
    __asm__ volatile(
        "push {r4, r5, r6, lr}\n"
        "add r2, r0, r2, lsl #1\n"
        "mov r12, #0\n"
        "mov r3, #0\n"
        "1:\n"
        "ldrsh r4, [r0], #2\n"
        "ldrd r5, r6, [r1], #8\n"
        "smlabt r5, r4, r6, r5\n"
        /* A shift by register takes the lowest byte alone. */
        "asrs r5, r6\n"
        "ssat r5, #16, r5\n"
        "smlal r12, r3, r5, r5\n"
        "cmp r0, r2\n"
        "bne 1b\n"
        "mov r0, r12\n"
        "mov r1, r3\n"
        "pop {r4, r5, r6, pc}\n");
}

#elif defined(__thumb__) && !defined(__thumb2__)

__attribute__((naked)) uint64_t gaussian_deviation(const int16_t *x, const gaussian_term *terms, int32_t n_in)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "mov r4, r8\n"
        "push {r4}\n"
        "movs r3, #0\n"
        "mov r8, r3\n"
        "lsls r2, r2, #1\n"
        "adds r0, r0, r2\n"
        "rsbs r2, r2, #0\n"
        "1:\n"
        "ldrsh r7, [r0, r2]\n"
        "ldmia r1!, {r5, r6}\n"
        "asrs r4, r6, #16\n"
        "muls r4, r7, r4\n"
        "adds r5, r5, r4\n"
        /* A shift by register takes the lowest byte alone. */
        "asrs r5, r6\n"
        "sxth r4, r5\n"
        "cmp r4, r5\n"
        "bne 3f\n"
        "2:\n"
        "muls r4, r4, r4\n"
        "adds r3, r3, r4\n"
        "bcs 4f\n"
        "adds r2, #2\n"
        "bne 1b\n"
        "b 5f\n"
        /* Saturate: 32767, or its complement below 0. */
        "3:\n"
        "asrs r4, r5, #31\n"
        "movs r6, #1\n"
        "lsls r6, r6, #15\n"
        "subs r6, #1\n"
        "eors r4, r6\n"
        "b 2b\n"
        "4:\n"
        "movs r4, #1\n"
        "add r8, r4\n"
        "adds r2, #2\n"
        "bne 1b\n"
        "5:\n"
        "mov r0, r3\n"
        "mov r1, r8\n"
        "pop {r4}\n"
        "mov r8, r4\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

#else

uint64_t gaussian_deviation(const int16_t *x, const gaussian_term *terms, int32_t n_in)
{
    uint64_t sum = 0;

    for (const int16_t *const end = x + n_in; x != end; x++, terms++) {
        int32_t deviation = (*x * terms->factor + terms->offset) >> terms->shift;

        if (deviation != (int16_t)deviation) {
            deviation = deviation < 0 ? -32768 : 32767;
        }
        sum += (uint32_t)(deviation * deviation);
    }
    return sum;
}

#endif
