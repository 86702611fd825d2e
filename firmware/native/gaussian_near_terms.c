/* Polynomials of a chunk of features: plain C and ARMv6-M, with the same bits. */
#include "gaussian_near.h"

#if defined(__thumb__) && !defined(__thumb2__)

__attribute__((naked)) uint32_t gaussian_near_terms(const int32_t *z, const int32_t *terms, int32_t n)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "lsls r2, r2, #2\n"
        "adds r2, r0, r2\n"
        "mov r12, r2\n"
        "movs r2, #0\n"
        "mov lr, r2\n"
        "1:\n"
        "ldmia r0!, {r4, r5}\n"
        "ldmia r1!, {r2, r3, r6, r7}\n"
        "muls r2, r4\n"
        "adds r2, r3\n"
        "muls r2, r4\n"
        "muls r6, r5\n"
        "adds r6, r7\n"
        "muls r6, r5\n"
        "adds r2, r6\n"
        "add lr, r2\n"
        "cmp r0, r12\n"
        "bne 1b\n"
        "mov r0, lr\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

#else

uint32_t gaussian_near_terms(const int32_t *z, const int32_t *terms, int32_t n)
{
    uint32_t sum = 0;

    for (const int32_t *const end = z + n; z != end; z += 2, terms += 4) {
        sum += ((uint32_t)terms[0] * (uint32_t)z[0] + (uint32_t)terms[1]) * (uint32_t)z[0];
        sum += ((uint32_t)terms[2] * (uint32_t)z[1] + (uint32_t)terms[3]) * (uint32_t)z[1];
    }
    return sum;
}

#endif
