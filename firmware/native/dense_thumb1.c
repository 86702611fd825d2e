/* Inner loops of dense.c for ARMv6-M, where compilers spill: the same bits as the plain C. */
#include "dense_rows.h"

#if DENSE_ROWS_THUMB1

/* r0: end of x. r1: end of the first row. r2: bytes from row to row. r3: -2 n. Stack: sums.
 * One load of x serves four rows; the sums stay in high registers, which ADD reaches. */
__attribute__((naked)) void dense_four_rows(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes,
                                            int32_t minus_bytes, int32_t *sums)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n"
        "push {r4, r5, r6, r7}\n"
        "ldr r7, [sp, #36]\n"
        "ldmia r7!, {r4, r5, r6}\n"
        "mov r8, r4\n mov r9, r5\n mov r10, r6\n"
        "ldr r7, [r7]\n"
        "mov r11, r7\n"
        "adds r4, r1, r2\n adds r5, r4, r2\n adds r6, r5, r2\n"
        "1:\n"
        "ldrsh r2, [r0, r3]\n"
        "ldrsh r7, [r1, r3]\n muls r7, r2, r7\n add r8, r7\n"
        "ldrsh r7, [r4, r3]\n muls r7, r2, r7\n add r9, r7\n"
        "ldrsh r7, [r5, r3]\n muls r7, r2, r7\n add r10, r7\n"
        "ldrsh r7, [r6, r3]\n muls r7, r2, r7\n add r11, r7\n"
        "adds r3, #2\n"
        "bne 1b\n"
        "ldr r7, [sp, #36]\n"
        "mov r3, r8\n mov r4, r9\n mov r5, r10\n mov r6, r11\n"
        "stmia r7!, {r3, r4, r5, r6}\n"
        "pop {r4, r5, r6, r7}\n"
        "mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

__attribute__((naked)) void dense_two_rows(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes,
                                           int32_t minus_bytes, int32_t *sums)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "ldr r7, [sp, #20]\n"
        "ldmia r7!, {r5, r6}\n"
        "adds r4, r1, r2\n"
        "1:\n"
        "ldrsh r2, [r0, r3]\n"
        "ldrsh r7, [r1, r3]\n muls r7, r2, r7\n adds r5, r5, r7\n"
        "ldrsh r7, [r4, r3]\n muls r7, r2, r7\n adds r6, r6, r7\n"
        "adds r3, #2\n"
        "bne 1b\n"
        "ldr r7, [sp, #20]\n"
        "stmia r7!, {r5, r6}\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

/* Two values a turn; of an odd number the first one alone. r2 is not used. */
__attribute__((naked)) void dense_one_row(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes,
                                          int32_t minus_bytes, int32_t *sums)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, lr}\n"
        "ldr r7, [sp, #20]\n"
        "ldr r4, [r7]\n"
        "lsls r2, r3, #30\n"
        "bmi 2f\n"
        "1:\n"
        "ldrsh r5, [r0, r3]\n ldrsh r6, [r1, r3]\n muls r6, r5, r6\n adds r4, r4, r6\n"
        "adds r3, #2\n"
        "2:\n"
        "ldrsh r5, [r0, r3]\n ldrsh r6, [r1, r3]\n muls r6, r5, r6\n adds r4, r4, r6\n"
        "adds r3, #2\n"
        "bne 1b\n"
        "str r4, [r7]\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

#endif
