/* Rows of int16 weights times int16 values with SMLAD and SMLALD: the same bits as the plain C. */
#include "dense.h"

#if defined(__ARM_FEATURE_DSP)

/* Pairs of rows of n_blocks * 8 values, n_blocks > 0, until sums reaches sums_end. r0: x. r1: weights. r2: bias. r3:
 * n_blocks. Stack: sums, sums_end. What a row needs only once lies on the stack: the loop takes every register. */
static __attribute__((naked)) void pairs_multiply(const int16_t *x, const int16_t *weights, const int32_t *bias,
                                                  int32_t n_blocks, int32_t *sums, const int32_t *sums_end)
{
    __asm__ volatile(
        "push {r0, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "1:\n"
        "ldmia sp, {r0, r2, r3}\n"
        "ldmia r2!, {r12, lr}\n"
        "str r2, [sp, #4]\n"
        "add r2, r1, r3, lsl #4\n"
        "2:\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldmia r1!, {r8, r9, r10, r11}\n"
        "smlad r12, r4, r8, r12\n smlad r12, r5, r9, r12\n"
        "smlad r12, r6, r10, r12\n smlad r12, r7, r11, r12\n"
        "ldmia r2!, {r8, r9, r10, r11}\n"
        "smlad lr, r4, r8, lr\n smlad lr, r5, r9, lr\n"
        "smlad lr, r6, r10, lr\n smlad lr, r7, r11, lr\n"
        "subs r3, #1\n"
        "bne 2b\n"
        "mov r1, r2\n"
        "ldrd r4, r5, [sp, #48]\n"
        "stmia r4!, {r12, lr}\n"
        "str r4, [sp, #48]\n"
        "cmp r4, r5\n"
        "bne 1b\n"
        "add sp, #12\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}

/* Two rows, blocks of eight values, n_blocks > 0. r0: x. r1, r2: rows. r3: n_blocks. Stack: int32_t sums[2]. */
static __attribute__((naked)) void blocks_multiply(const int16_t *x, const int16_t *first, const int16_t *second,
                                                   int32_t n_blocks, int32_t *sums)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "ldr r12, [sp, #36]\n"
        "ldrd r12, lr, [r12]\n"
        "1:\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldmia r1!, {r8, r9, r10, r11}\n"
        "smlad r12, r4, r8, r12\n smlad r12, r5, r9, r12\n"
        "smlad r12, r6, r10, r12\n smlad r12, r7, r11, r12\n"
        "ldmia r2!, {r8, r9, r10, r11}\n"
        "smlad lr, r4, r8, lr\n smlad lr, r5, r9, lr\n"
        "smlad lr, r6, r10, lr\n smlad lr, r7, r11, lr\n"
        "subs r3, #1\n"
        "bne 1b\n"
        "ldr r4, [sp, #36]\n"
        "strd r12, lr, [r4]\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}

/* The same with int64_t sums[2]. */
static __attribute__((naked)) void blocks_multiply_long(const int16_t *x, const int16_t *first,
                                                        const int16_t *second, int32_t n_blocks, int64_t *sums)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "ldr r12, [sp, #36]\n"
        "ldmia r12, {r8, r9, r10, r11}\n"
        "1:\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldmia r1!, {r12, lr}\n"
        "smlald r8, r9, r4, r12\n smlald r8, r9, r5, lr\n"
        "ldmia r1!, {r12, lr}\n"
        "smlald r8, r9, r6, r12\n smlald r8, r9, r7, lr\n"
        "ldmia r2!, {r12, lr}\n"
        "smlald r10, r11, r4, r12\n smlald r10, r11, r5, lr\n"
        "ldmia r2!, {r12, lr}\n"
        "smlald r10, r11, r6, r12\n smlald r10, r11, r7, lr\n"
        "subs r3, #1\n"
        "bne 1b\n"
        "ldr r12, [sp, #36]\n"
        "stmia r12, {r8, r9, r10, r11}\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}

/* r0: x. r1: row. r2: n_in. r3: what the sum starts at. */
static __attribute__((naked)) int32_t row_multiply(const int16_t *x, const int16_t *row, int32_t n_in, int32_t sum)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "subs r2, #8\n"
        "blo 2f\n"
        "1:\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldmia r1!, {r8, r9, r10, r11}\n"
        "smlad r3, r4, r8, r3\n smlad r3, r5, r9, r3\n"
        "smlad r3, r6, r10, r3\n smlad r3, r7, r11, r3\n"
        "subs r2, #8\n"
        "bhs 1b\n"
        "2:\n"
        "adds r2, #6\n"
        "bmi 4f\n"
        "3:\n"
        "ldr r4, [r0], #4\n"
        "ldr r8, [r1], #4\n"
        "smlad r3, r4, r8, r3\n"
        "subs r2, #2\n"
        "bpl 3b\n"
        "4:\n"
        "adds r2, #2\n"
        "beq 5f\n"
        "ldrsh r4, [r0]\n"
        "ldrsh r8, [r1]\n"
        "mla r3, r4, r8, r3\n"
        "5:\n"
        "mov r0, r3\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}

/* The sum of a row, wherever x begins. */
static int64_t row_multiply_unaligned(const int16_t *x, const int16_t *row, int32_t n_in, int32_t bias)
{
    int64_t sum = bias;

    for (const int16_t *const end = x + n_in; x != end; x++, row++) {
        sum += (int32_t)(*x * *row);
    }
    return sum;
}

/* Any n_in and n_out, any x. */
static __attribute__((noinline)) void rows_multiply(const int16_t *x, const int16_t *weights, const int32_t *bias,
                                                    int32_t n_in, int32_t n_out, int32_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    const int32_t done = n_in & ~7;

    for (; (uintptr_t)x & 2 && n_out > 0; n_out--) {
        *sums++ = (int32_t)row_multiply_unaligned(x, weights, n_in, *bias++);
        weights += stride;
    }
    for (; n_out >= 2; n_out -= 2) {
        const int16_t *const second = weights + stride;

        sums[0] = bias[0];
        sums[1] = bias[1];
        if (done > 0) {
            blocks_multiply(x, weights, second, done >> 3, sums);
        }
        if (done < n_in) {
            sums[0] = row_multiply(x + done, weights + done, n_in - done, sums[0]);
            sums[1] = row_multiply(x + done, second + done, n_in - done, sums[1]);
        }
        weights += 2 * stride;
        bias += 2;
        sums += 2;
    }
    if (n_out > 0) {
        *sums = row_multiply(x, weights, n_in, *bias);
    }
}

void dense_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                 int32_t *sums)
{
    const int32_t paired = n_out & ~1;
    const int32_t is_ragged = n_in & 7;

    if ((uintptr_t)x & 2 || (is_ragged && n_out != 1)) {
        rows_multiply(x, weights, bias, n_in, n_out, sums);
        return;
    }
    if (paired > 0) {
        pairs_multiply(x, weights, bias, n_in >> 3, sums, sums + paired);
    }
    if (n_out & 1) {
        sums[paired] = row_multiply(x, weights + paired * n_in, n_in, bias[paired]);
    }
}

int32_t dense_is_within(const int16_t *x, int32_t n_in, int32_t limit)
{
    const uint32_t *pair = (const uint32_t *)x;
    const uint32_t *const end = pair + (n_in >> 1);
    uint32_t all = 0;

    if ((uintptr_t)x & 2) {
        return 0;
    }
    /* Where a bit differs from its neighbour below, the number needs it. */
    for (; pair != end; pair++) {
        all |= *pair ^ *pair << 1;
    }
    if (n_in & 1) {
        const uint32_t last = *(const uint16_t *)pair;
        all |= last ^ last << 1;
    }
    all = (all >> 16 | all) & 0xFFFE;
    return limit > 0 && __builtin_clz(all | 1) >= __builtin_clz((uint32_t)limit);
}

void dense_long_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                      int64_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    const int32_t done = n_in & ~7;

    for (; (uintptr_t)x & 2 && n_out > 0; n_out--) {
        *sums++ = row_multiply_unaligned(x, weights, n_in, *bias++);
        weights += stride;
    }
    while (n_out > 0) {
        /* The last row of an odd number is multiplied twice: shorter than a loop of its own. */
        const int32_t two = n_out > 1;
        const int16_t *const second = weights + (two ? stride : 0);
        int64_t both[2] = {bias[0], bias[two]};

        if (done > 0) {
            blocks_multiply_long(x, weights, second, done >> 3, both);
        }
        int32_t i = done;
        for (; i + 2 <= n_in; i += 2) {
            const int32_t pair = *(const int32_t *)(x + i);
            both[0] = __builtin_arm_smlald(pair, *(const int32_t *)(weights + i), both[0]);
            both[1] = __builtin_arm_smlald(pair, *(const int32_t *)(second + i), both[1]);
        }
        if (i < n_in) {
            both[0] += (int32_t)(x[i] * weights[i]);
            both[1] += (int32_t)(x[i] * second[i]);
        }
        sums[0] = both[0];
        sums[two] = both[two];
        weights += stride << two;
        bias += 1 + two;
        sums += 1 + two;
        n_out -= 1 + two;
    }
}

#endif
