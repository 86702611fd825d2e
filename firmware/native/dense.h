/* Rows of int16 weights times int16 values. Rows begin on words: an odd n_in is padded with one weight. */
#ifndef DENSE_H
#define DENSE_H

#include <stdint.h>

/* sums[r] = bias[r] + row r of weights · x, modulo 2^32. */
void dense_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                 int32_t *sums);

/* The same in 64 bits. */
void dense_long_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in, int32_t n_out,
                      int64_t *sums);

/* 1 only if all |x| <= limit; cores with DSP instructions ask for up to twice as much. */
int32_t dense_is_within(const int16_t *x, int32_t n_in, int32_t limit);

/* Exact for any x; `limit`: where all |x| <= limit, sums fit 32 bits. */
void dense_exact_int16(const int16_t *x, const int16_t *weights, const int32_t *bias, int32_t n_in,
                       int32_t n_out, int32_t limit, int64_t *sums);

#endif
