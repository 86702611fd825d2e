/* Inner loop of conv.c for ARMv6-M, whose registers just suffice for four sums: the same bits as the plain C. */
#include "conv_steps.h"

#if CONV_IS_THUMB1

/* r0: x. r1: weights. r2: n. r3: sums. Values and weights are unsigned, so that an offset is part of each load. */
__attribute__((naked)) void conv_four_sums(const uint8_t *x, const uint8_t *weights, int32_t n, int32_t *sums)
{
    __asm__ volatile(
        "push {r3, r4, r5, r6, r7, lr}\n"
        "mov r4, r8\n"
        "push {r4}\n"
        "adds r2, r0, r2\n mov r8, r2\n"
        "movs r4, #0\n movs r5, #0\n movs r6, #0\n movs r7, #0\n"
        "1:\n"
        "ldrb r2, [r0, #0]\n"
        "ldrb r3, [r1, #0]\n muls r3, r2, r3\n adds r4, r4, r3\n"
        "ldrb r3, [r1, #4]\n muls r3, r2, r3\n adds r5, r5, r3\n"
        "ldrb r3, [r1, #8]\n muls r3, r2, r3\n adds r6, r6, r3\n"
        "ldrb r3, [r1, #12]\n muls r3, r2, r3\n adds r7, r7, r3\n"
        "ldrb r2, [r0, #1]\n"
        "ldrb r3, [r1, #1]\n muls r3, r2, r3\n adds r4, r4, r3\n"
        "ldrb r3, [r1, #5]\n muls r3, r2, r3\n adds r5, r5, r3\n"
        "ldrb r3, [r1, #9]\n muls r3, r2, r3\n adds r6, r6, r3\n"
        "ldrb r3, [r1, #13]\n muls r3, r2, r3\n adds r7, r7, r3\n"
        "ldrb r2, [r0, #2]\n"
        "ldrb r3, [r1, #2]\n muls r3, r2, r3\n adds r4, r4, r3\n"
        "ldrb r3, [r1, #6]\n muls r3, r2, r3\n adds r5, r5, r3\n"
        "ldrb r3, [r1, #10]\n muls r3, r2, r3\n adds r6, r6, r3\n"
        "ldrb r3, [r1, #14]\n muls r3, r2, r3\n adds r7, r7, r3\n"
        "ldrb r2, [r0, #3]\n"
        "ldrb r3, [r1, #3]\n muls r3, r2, r3\n adds r4, r4, r3\n"
        "ldrb r3, [r1, #7]\n muls r3, r2, r3\n adds r5, r5, r3\n"
        "ldrb r3, [r1, #11]\n muls r3, r2, r3\n adds r6, r6, r3\n"
        "ldrb r3, [r1, #15]\n muls r3, r2, r3\n adds r7, r7, r3\n"
        "adds r0, #4\n adds r1, #16\n"
        "cmp r0, r8\n"
        "bne 1b\n"
        "pop {r3}\n"
        "mov r8, r3\n"
        "pop {r3}\n"
        "stmia r3!, {r4, r5, r6, r7}\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

#endif
