/* Rows of int16 weights times int16 values with SMLAD and SMLALD: the same bits as the plain C. */
#include "dense.h"

#if defined(__ARM_FEATURE_DSP)

/* Pairs of rows of n_blocks * 8 values, n_blocks and n_pairs > 0. r0: x. r1: weights. r2: bias. r3: n_blocks.
 * Stack: n_pairs, sums. What a row needs only once lies on the stack: the loop takes every register. */
static __attribute__((naked)) void pairs_multiply(const int16_t *x, const int16_t *weights, const int32_t *bias,
                                                  int32_t n_blocks, int32_t n_pairs, int32_t *sums)
{
    __asm__ volatile(
        "push {r0, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "1:\n"
        "ldr r4, [sp, #4]\n"
        "ldmia r4!, {r12, lr}\n"
        "str r4, [sp, #4]\n"
        "ldr r0, [sp, #0]\n"
        "ldr r3, [sp, #8]\n"
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
        "ldr r4, [sp, #52]\n"
        "stmia r4!, {r12, lr}\n"
        "str r4, [sp, #52]\n"
        "ldr r4, [sp, #48]\n"
        "subs r4, #1\n"
        "str r4, [sp, #48]\n"
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

static inline int32_t row_multiply(const int16_t *x, const int16_t *row, int32_t n_in, int32_t sum)
{
    const int32_t *values = (const int32_t *)x;
    const int32_t *weights = (const int32_t *)row;

    for (; n_in >= 4; n_in -= 4) {
        sum = __builtin_arm_smlad(values[0], weights[0], sum);
        sum = __builtin_arm_smlad(values[1], weights[1], sum);
        values += 2;
        weights += 2;
    }
    if (n_in & 2) {
        sum = __builtin_arm_smlad(*values++, *weights++, sum);
    }
    if (n_in & 1) {
        sum += *(const int16_t *)values * *(const int16_t *)weights;
    }
    return sum;
}

/* The sums of one row after another, wherever x begins. */
static __attribute__((noinline)) void rows_multiply_unaligned(const int16_t *x, const int16_t *weights,
                                                              const int32_t *bias, int32_t n_in, int32_t n_out,
                                                              int64_t *sums)
{
    for (; n_out > 0; n_out--) {
        int64_t sum = *bias++;
        for (int32_t i = 0; i < n_in; i++) {
            sum += (int32_t)(x[i] * weights[i]);
        }
        *sums++ = sum;
        weights += n_in + (n_in & 1);
    }
}

void dense_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                 int32_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    const int32_t done = n_in & ~7;

    if ((uintptr_t)x & 2) {
        for (; n_out > 0; n_out--) {
            int64_t sum;
            rows_multiply_unaligned(x, weights, bias++, n_in, 1, &sum);
            *sums++ = (int32_t)sum;
            weights += stride;
        }
        return;
    }
    if (done == n_in && n_out >= 2) {
        const int32_t paired = n_out & ~1;

        pairs_multiply(x, weights, bias, done >> 3, paired >> 1, sums);
        weights += paired * stride;
        bias += paired;
        sums += paired;
        n_out &= 1;
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

void dense_exact_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in,
                       int32_t n_out, int32_t limit, int64_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    const int32_t done = n_in & ~7;

    (void)limit;
    if ((uintptr_t)x & 2) {
        rows_multiply_unaligned(x, weights, bias, n_in, n_out, sums);
        return;
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
