/* Rows of int16 weights times int16 values, in plain C. */
#include "dense.h"

#include "dense_rows.h"

#if !defined(__ARM_FEATURE_DSP)

void dense_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                 int32_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);
    const int16_t *const x_end = x + n_in;
    const int16_t *row_end = weights + n_in;

    for (int32_t row = 0; row < n_out; row++) {
        sums[row] = bias[row];
    }
    for (; n_out >= 4; n_out -= 4) {
        dense_four_rows(x_end, row_end, 2 * stride, -2 * n_in, sums);
        row_end += 4 * stride;
        sums += 4;
    }
    if (n_out >= 2) {
        dense_two_rows(x_end, row_end, 2 * stride, -2 * n_in, sums);
        row_end += 2 * stride;
        sums += 2;
    }
    if (n_out & 1) {
        dense_one_row(x_end, row_end, 2 * stride, -2 * n_in, sums);
    }
}

int32_t dense_is_within(const int16_t *x, int32_t n_in, int32_t limit)
{
    const uint32_t width = 2 * (uint32_t)limit;

    for (const int16_t *const end = x + n_in; x != end; x++) {
        if ((uint32_t)(*x + limit) > width) {
            return 0;
        }
    }
    return 1;
}

void dense_long_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                      int64_t *sums)
{
    const int32_t stride = n_in + (n_in & 1);

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

void dense_exact_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in,
                       int32_t n_out, int32_t limit, int64_t *sums)
{
    /* Into the upper half of the room, then widened from the front. */
    int32_t *const narrow = (int32_t *)sums + n_out;

    if (!dense_is_within(x, n_in, limit)) {
        dense_long_int16(x, weights, bias, n_in, n_out, sums);
        return;
    }
    dense_int16(x, weights, bias, n_in, n_out, narrow);
    for (int32_t row = 0; row < n_out; row++) {
        sums[row] = narrow[row];
    }
}
