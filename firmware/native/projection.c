/* A linear map of features, some rows at a time. */
#include "projection.h"

#include "dense.h"

/* Rows whose sums are held on the stack. */
#define PROJECTION_ROWS 4
/* Of what lower halves have more. */
#define PROJECTION_FINE_BITS 15

static int16_t sum_saturated(int64_t sum)
{
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

void projection_int16(const projection *by, const int16_t *x, int16_t *out)
{
    const int32_t stride = by->n_in + (by->n_in & 1);
    int64_t sums[PROJECTION_ROWS];
    int64_t fine[PROJECTION_ROWS];

    for (int32_t row = 0; row < by->n_out; row += PROJECTION_ROWS) {
        const int32_t left = by->n_out - row;
        const int32_t n = left < PROJECTION_ROWS ? left : PROJECTION_ROWS;

        dense_exact_int16(x, by->weights + row * stride, by->bias + row, by->n_in, n, by->limit, sums);
        if (by->fine_weights) {
            dense_exact_int16(x, by->fine_weights + row * stride, by->fine_bias + row, by->n_in, n,
                              by->fine_limit, fine);
            for (int32_t i = 0; i < n; i++) {
                sums[i] = sums[i] * (1 << PROJECTION_FINE_BITS) + fine[i];
            }
        }
        for (int32_t i = 0; i < n; i++) {
            out[row + i] = sum_saturated(sums[i] >> by->shifts[row + i]);
        }
    }
}
