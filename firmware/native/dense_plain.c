/* Inner loops of dense.c in plain C. */
#include "dense_rows.h"

#if !DENSE_ROWS_THUMB1 && !defined(__ARM_FEATURE_DSP)

void dense_four_rows(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes, int32_t minus_bytes,
                     int32_t *sums)
{
    dense_two_rows(x_end, row_end, stride_bytes, minus_bytes, sums);
    dense_two_rows(x_end, row_end + stride_bytes, stride_bytes, minus_bytes, sums + 2);
}

void dense_two_rows(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes, int32_t minus_bytes,
                    int32_t *sums)
{
    const int16_t *second_end = row_end + stride_bytes / 2;
    int32_t a = sums[0];
    int32_t b = sums[1];

    row_end += minus_bytes / 2;
    second_end += minus_bytes / 2;
    for (const int16_t *x = x_end + minus_bytes / 2; x != x_end; x++) {
        a += *x * *row_end++;
        b += *x * *second_end++;
    }
    sums[0] = a;
    sums[1] = b;
}

void dense_one_row(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes, int32_t minus_bytes,
                   int32_t *sums)
{
    int32_t sum = *sums;

    (void)stride_bytes;
    row_end += minus_bytes / 2;
    for (const int16_t *x = x_end + minus_bytes / 2; x != x_end; x++) {
        sum += *x * *row_end++;
    }
    *sums = sum;
}

#endif
