/* Steps of an FFT for ARMv6-M, where compilers spill: the same bits as the plain C. */
#include "fft_steps.h"

#if FFT_STEPS_THUMB1

/* A number in `v` times a twiddle in `w`: real part to `t`, imaginary part to `x`; `v`, `w` and `y` are lost. */
#define TWIDDLE_MULTIPLY(v, w, t, x, y)                                             \
    "sxth " y ", " v "\n asrs " v ", " v ", #16\n"                                  \
    "sxth " x ", " w "\n asrs " w ", " w ", #16\n"                                  \
    "movs " t ", " y "\n muls " t ", " x ", " t "\n"                                \
    "muls " y ", " w ", " y "\n muls " x ", " v ", " x "\n muls " v ", " w ", " v "\n" \
    "adds " t ", " t ", " v "\n subs " x ", " x ", " y "\n"                         \
    "mov " v ", r11\n adds " t ", " t ", " v "\n adds " x ", " x ", " v "\n"        \
    "asrs " t ", " t ", #16\n asrs " x ", " x ", #16\n"

/* One group of four quarters. r0: data. r8, r9: twiddles and their end. r10: bytes of a quarter. r11: 2^15.
 * r12: 4 - 3 quarters. lr and two words of the stack are lost; `HALVE(register)` is the scaling of the sums. */
#define GROUP_JOIN(HALVE)                                            \
    "1:\n"                                                           \
    "mov r7, r8\n ldmia r7!, {r1, r2, r3}\n mov r8, r7\n mov lr, r3\n" \
    "mov r7, r10\n lsls r4, r7, #1\n ldr r5, [r0, r4]\n"             \
    "adds r4, r4, r7\n ldr r6, [r0, r4]\n"                           \
    TWIDDLE_MULTIPLY("r5", "r1", "r7", "r4", "r3")                   \
    TWIDDLE_MULTIPLY("r6", "r2", "r1", "r5", "r3")                   \
    "adds r2, r7, r1\n subs r7, r7, r1\n adds r3, r4, r5\n subs r4, r4, r5\n" \
    "str r7, [sp]\n str r4, [sp, #4]\n"                              \
    "mov r1, r10\n ldr r1, [r0, r1]\n mov r5, lr\n"                  \
    TWIDDLE_MULTIPLY("r1", "r5", "r7", "r6", "r4")                   \
    "ldr r1, [r0]\n lsls r4, r1, #16\n asrs r4, r4, #17\n asrs r1, r1, #17\n" \
    "adds r5, r4, r7\n subs r4, r4, r7\n adds r7, r1, r6\n subs r1, r1, r6\n" \
    "adds r6, r5, r2\n" HALVE("r6") "strh r6, [r0]\n"                \
    "adds r6, r7, r3\n" HALVE("r6") "strh r6, [r0, #2]\n"            \
    "subs r5, r5, r2\n" HALVE("r5")                                  \
    "subs r7, r7, r3\n" HALVE("r7")                                  \
    "ldr r2, [sp]\n ldr r3, [sp, #4]\n"                              \
    "add r0, r10\n"                                                  \
    "adds r6, r4, r3\n" HALVE("r6") "strh r6, [r0]\n"                \
    "subs r6, r1, r2\n" HALVE("r6") "strh r6, [r0, #2]\n"            \
    "add r0, r10\n"                                                  \
    "strh r5, [r0]\n strh r7, [r0, #2]\n"                            \
    "add r0, r10\n"                                                  \
    "subs r4, r4, r3\n" HALVE("r4") "strh r4, [r0]\n"                \
    "adds r1, r1, r2\n" HALVE("r1") "strh r1, [r0, #2]\n"            \
    "add r0, r12\n"                                                  \
    "cmp r8, r9\n"                                                   \
    "bne 1b\n"

#define BY_ONE(register) "asrs " register ", " register ", #1\n"
#define BY_NONE(register) ""

/* r0: data. r1: its end. r2: bytes of a quarter. r3: twiddles. */
#define GROUPS_JOIN(HALVE)                                           \
    "push {r4, r5, r6, r7, lr}\n"                                    \
    "mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n"          \
    "push {r1, r3, r4, r5, r6, r7}\n"                                \
    "sub sp, #8\n"                                                   \
    "mov r10, r2\n"                                                  \
    "lsls r4, r2, #1\n adds r4, r4, r2\n adds r5, r3, r4\n mov r9, r5\n" \
    "movs r5, #4\n subs r5, r5, r4\n mov r12, r5\n"                  \
    "movs r5, #1\n lsls r5, r5, #15\n mov r11, r5\n"                 \
    "2:\n"                                                           \
    "ldr r3, [sp, #12]\n mov r8, r3\n"                               \
    GROUP_JOIN(HALVE)                                                \
    "add r0, r10\n add r0, r10\n add r0, r10\n"                      \
    "ldr r1, [sp, #8]\n"                                             \
    "cmp r0, r1\n"                                                   \
    "bne 2b\n"                                                       \
    "add sp, #16\n"                                                  \
    "pop {r4, r5, r6, r7}\n"                                         \
    "mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n"          \
    "pop {r4, r5, r6, r7, pc}\n"

static __attribute__((naked, noinline)) void groups_join_by_four(fft_word *data, fft_word *end, int32_t stride_bytes,
                                                                 const fft_word *twiddles)
{
    __asm__ volatile(GROUPS_JOIN(BY_ONE));
}

static __attribute__((naked, noinline)) void groups_join_by_two(fft_word *data, fft_word *end, int32_t stride_bytes,
                                                                const fft_word *twiddles)
{
    __asm__ volatile(GROUPS_JOIN(BY_NONE));
}

void fft_join(fft_word *data, int32_t n, int32_t quarter, int32_t is_by_four, const fft_word *twiddles)
{
    if (is_by_four) {
        groups_join_by_four(data, data + n, 4 * quarter, twiddles);
    } else {
        groups_join_by_two(data, data + n, 4 * quarter, twiddles);
    }
}

/* r0: data. r1: its end. t1 lies in r8 and r9 while t2 and t3 are made. */
static __attribute__((naked, noinline)) void fours_transform(fft_word *data, fft_word *end)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "mov r4, r8\n mov r5, r9\n mov r6, r10\n"
        "push {r4, r5, r6}\n"
        "mov r10, r1\n"
        "1:\n"
        "ldr r1, [r0]\n ldr r2, [r0, #4]\n ldr r3, [r0, #8]\n ldr r4, [r0, #12]\n"
        "sxth r5, r1\n sxth r6, r2\n adds r7, r5, r6\n subs r5, r5, r6\n asrs r7, r7, #1\n asrs r5, r5, #1\n"
        "asrs r1, r1, #16\n asrs r2, r2, #16\n adds r6, r1, r2\n subs r1, r1, r2\n"
        "asrs r6, r6, #1\n asrs r1, r1, #1\n"
        "mov r8, r5\n mov r9, r1\n"
        "sxth r1, r3\n sxth r2, r4\n adds r5, r1, r2\n subs r1, r1, r2\n asrs r5, r5, #1\n asrs r1, r1, #1\n"
        "asrs r3, r3, #16\n asrs r4, r4, #16\n adds r2, r3, r4\n subs r3, r3, r4\n"
        "asrs r2, r2, #1\n asrs r3, r3, #1\n"
        "adds r4, r7, r5\n asrs r4, r4, #1\n strh r4, [r0]\n"
        "subs r7, r7, r5\n asrs r7, r7, #1\n strh r7, [r0, #8]\n"
        "adds r4, r6, r2\n asrs r4, r4, #1\n strh r4, [r0, #2]\n"
        "subs r6, r6, r2\n asrs r6, r6, #1\n strh r6, [r0, #10]\n"
        "mov r5, r8\n mov r6, r9\n"
        "adds r4, r5, r3\n asrs r4, r4, #1\n strh r4, [r0, #4]\n"
        "subs r5, r5, r3\n asrs r5, r5, #1\n strh r5, [r0, #12]\n"
        "subs r4, r6, r1\n asrs r4, r4, #1\n strh r4, [r0, #6]\n"
        "adds r6, r6, r1\n asrs r6, r6, #1\n strh r6, [r0, #14]\n"
        "adds r0, #16\n"
        "cmp r0, r10\n"
        "bne 1b\n"
        "pop {r4, r5, r6}\n"
        "mov r8, r4\n mov r9, r5\n mov r10, r6\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

void fft_fours(fft_word *data, int32_t n)
{
    fours_transform(data, data + n);
}

/* r0, r1: the first and the last number. r2: twiddles. Ends where r0 = r1. */
static __attribute__((naked, noinline)) void pairs_split(fft_word *up, fft_word *down, const fft_word *twiddles)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n"
        "push {r4, r5, r6, r7}\n"
        "mov r8, r2\n"
        "movs r3, #1\n lsls r3, r3, #15\n mov r11, r3\n"
        "1:\n"
        "mov r2, r8\n ldmia r2!, {r3}\n mov r8, r2\n"
        "ldr r4, [r0]\n ldr r5, [r1]\n"
        "sxth r6, r4\n sxth r7, r5\n asrs r4, r4, #16\n asrs r5, r5, #16\n"
        "adds r2, r6, r7\n subs r6, r6, r7\n adds r7, r4, r5\n subs r4, r4, r5\n"
        "asrs r2, r2, #1\n asrs r4, r4, #1\n mov r9, r2\n mov r10, r4\n"
        "sxth r2, r3\n asrs r3, r3, #16\n"
        "movs r4, r2\n muls r4, r6, r4\n muls r2, r7, r2\n muls r7, r3, r7\n muls r6, r3, r6\n"
        "subs r2, r2, r6\n adds r4, r4, r7\n"
        "mov r3, r11\n adds r2, r2, r3\n adds r4, r4, r3\n asrs r2, r2, #16\n asrs r4, r4, #16\n"
        "mov r3, r9\n mov r5, r10\n"
        "adds r6, r3, r2\n strh r6, [r0]\n"
        "subs r3, r3, r2\n strh r3, [r1]\n"
        "subs r6, r5, r4\n strh r6, [r0, #2]\n"
        "adds r5, r5, r4\n rsbs r5, r5, #0\n strh r5, [r1, #2]\n"
        "adds r0, #4\n subs r1, #4\n"
        "cmp r0, r1\n"
        "bne 1b\n"
        "pop {r4, r5, r6, r7}\n"
        "mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

void fft_split(fft_word *data, int32_t n, const fft_word *twiddles)
{
    pairs_split(data + 1, data + n - 1, twiddles);
}

#endif
