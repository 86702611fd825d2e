/* Rows of int16 weights times int16 values with SMLAD and SMLALD: the same bits as the plain C. */
#include "dense.h"

#if defined(__ARM_FEATURE_DSP)


static inline int32_t is_odd_address(const void *address) { return ((uintptr_t)address & 2) != 0; }

void dense_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                 int32_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    int16_t copy[is_odd_address(x) ? stride : 1] __attribute__((aligned(4)));

    if (is_odd_address(x)) {
        for (int32_t i = 0; i < n_in; i++) {
            copy[i] = x[i];
        }
        x = copy;
    }
    while (n_out > 0) {
        /* The last row of an odd number is multiplied twice: shorter than a case of its own. */
        const int32_t two = n_out > 1;
        const int32_t *first = (const int32_t *)weights;
        const int32_t *second = (const int32_t *)(weights + (two ? stride : 0));
        const int32_t *values = (const int32_t *)x;
        int32_t a = bias[0];
        int32_t b = bias[two];
        int32_t left = n_in;

        for (; left >= 8; left -= 8) {
            const int32_t v0 = values[0], v1 = values[1], v2 = values[2], v3 = values[3];
            values += 4;
            a = __builtin_arm_smlad(v0, first[0], a);
            a = __builtin_arm_smlad(v1, first[1], a);
            a = __builtin_arm_smlad(v2, first[2], a);
            a = __builtin_arm_smlad(v3, first[3], a);
            first += 4;
            b = __builtin_arm_smlad(v0, second[0], b);
            b = __builtin_arm_smlad(v1, second[1], b);
            b = __builtin_arm_smlad(v2, second[2], b);
            b = __builtin_arm_smlad(v3, second[3], b);
            second += 4;
        }
        for (; left >= 2; left -= 2) {
            const int32_t value = *values++;
            a = __builtin_arm_smlad(value, *first++, a);
            b = __builtin_arm_smlad(value, *second++, b);
        }
        if (left > 0) {
            const int32_t value = *(const int16_t *)values;
            a += value * *(const int16_t *)first;
            b += value * *(const int16_t *)second;
        }
        sums[0] = a;
        sums[two] = b;
        weights += stride << two;
        bias += 1 + two;
        sums += 1 + two;
        n_out -= 1 + two;
    }
}

void dense_exact_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in,
                       int32_t n_out, int32_t limit, int64_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    int16_t copy[is_odd_address(x) ? stride : 1] __attribute__((aligned(4)));

    (void)limit;
    if (is_odd_address(x)) {
        for (int32_t i = 0; i < n_in; i++) {
            copy[i] = x[i];
        }
        x = copy;
    }
    for (; n_out > 0; n_out--) {
        const int32_t *row = (const int32_t *)weights;
        const int32_t *values = (const int32_t *)x;
        int64_t sum = *bias++;
        int32_t left = n_in;

        for (; left >= 8; left -= 8) {
            const int32_t v0 = values[0], v1 = values[1], v2 = values[2], v3 = values[3];
            values += 4;
            sum = __builtin_arm_smlald(v0, row[0], sum);
            sum = __builtin_arm_smlald(v1, row[1], sum);
            sum = __builtin_arm_smlald(v2, row[2], sum);
            sum = __builtin_arm_smlald(v3, row[3], sum);
            row += 4;
        }
        for (; left >= 2; left -= 2) {
            sum = __builtin_arm_smlald(*values++, *row++, sum);
        }
        if (left > 0) {
            sum += (int32_t)(*(const int16_t *)values * *(const int16_t *)row);
        }
        *sums++ = sum;
        weights += stride;
    }
}

#endif
