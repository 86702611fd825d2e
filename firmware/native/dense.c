/* Rows of int16 weights times int16 values, in plain C. */
#include "dense.h"

#if !defined(__ARM_FEATURE_DSP)

/* Two rows at a time: each x is loaded once for both. */
static inline void rows_multiply(const int16_t *x, const int16_t *first, const int16_t *second, int32_t n_in,
                                 int32_t *sums)
{
    int32_t a = sums[0];
    int32_t b = sums[1];
    int32_t i = 0;

    for (; i + 4 <= n_in; i += 4) {
        int32_t value = x[i];
        a += value * first[i];
        b += value * second[i];
        value = x[i + 1];
        a += value * first[i + 1];
        b += value * second[i + 1];
        value = x[i + 2];
        a += value * first[i + 2];
        b += value * second[i + 2];
        value = x[i + 3];
        a += value * first[i + 3];
        b += value * second[i + 3];
    }
    for (; i < n_in; i++) {
        a += x[i] * first[i];
        b += x[i] * second[i];
    }
    sums[0] = a;
    sums[1] = b;
}

static inline int32_t row_multiply(const int16_t *x, const int16_t *row, int32_t n_in, int32_t sum)
{
    for (int32_t i = 0; i < n_in; i++) {
        sum += x[i] * row[i];
    }
    return sum;
}

void dense_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                 int32_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);

    for (; n_out >= 2; n_out -= 2) {
        sums[0] = bias[0];
        sums[1] = bias[1];
        rows_multiply(x, weights, weights + stride, n_in, sums);
        weights += 2 * stride;
        bias += 2;
        sums += 2;
    }
    if (n_out > 0) {
        sums[0] = row_multiply(x, weights, n_in, bias[0]);
    }
}

static int32_t values_are_within(const int16_t *x, int32_t n_in, int32_t limit)
{
    const uint32_t width = 2 * (uint32_t)limit;

    for (int32_t i = 0; i < n_in; i++) {
        if ((uint32_t)(x[i] + limit) > width) {
            return 0;
        }
    }
    return 1;
}

void dense_exact_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in,
                       int32_t n_out, int32_t limit, int64_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);

    if (values_are_within(x, n_in, limit)) {
        for (; n_out >= 2; n_out -= 2) {
            int32_t both[2] = {bias[0], bias[1]};
            rows_multiply(x, weights, weights + stride, n_in, both);
            sums[0] = both[0];
            sums[1] = both[1];
            weights += 2 * stride;
            bias += 2;
            sums += 2;
        }
        if (n_out > 0) {
            sums[0] = row_multiply(x, weights, n_in, bias[0]);
        }
        return;
    }
    for (; n_out > 0; n_out--) {
        int64_t sum = *bias++;
        for (int32_t i = 0; i < n_in; i++) {
            sum += (int32_t)(x[i] * weights[i]);
        }
        *sums++ = sum;
        weights += stride;
    }
}

#endif
