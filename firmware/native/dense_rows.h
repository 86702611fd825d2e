/* Inner loops of dense.c: sums of four, two or one row, in place. Pointers are to the ends; minus_bytes is -2 n < 0. */
#ifndef DENSE_ROWS_H
#define DENSE_ROWS_H

#include <stdint.h>

/* ARMv6-M: Thumb without the 32-bit instructions. */
#if defined(__thumb__) && !defined(__thumb2__)
#define DENSE_ROWS_THUMB1 1
#else
#define DENSE_ROWS_THUMB1 0
#endif

void dense_four_rows(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes, int32_t minus_bytes,
                     int32_t *sums);
void dense_two_rows(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes, int32_t minus_bytes,
                    int32_t *sums);
void dense_one_row(const int16_t *x_end, const int16_t *row_end, int32_t stride_bytes, int32_t minus_bytes,
                   int32_t *sums);

#endif
