/* One-bit sound → samples: a cascade of integrators and combs, then a low pass that takes every fourth value. */
#ifndef PDM_H
#define PDM_H

#include <stdint.h>

enum { PDM_ORDER = 4, PDM_STEP = 4, PDM_MOST_TAPS = 128, PDM_LEAST_LOG2 = 3, PDM_MOST_LOG2 = 6 };

/* What is kept from block to block. */
typedef struct {
    int32_t log2_bits;            /* bits to a value of the cascade: 8 … 64 */
    int32_t is_begun;             /* 0: all but log2_bits is still to be set */
    int32_t at;                   /* where the next value goes in recent */
    uint32_t sums[PDM_ORDER];     /* integrators, modulo 2^32 */
    uint32_t before[PDM_ORDER];   /* of the combs */
    uint32_t coming[2];           /* what the bits so far add to the next sums, the first below */
    uint32_t of_byte[256][2];     /* what a byte's bits add to this sum and the next three, 16 bits each */
    int16_t recent[2 * PDM_MOST_TAPS]; /* the last values, twice, so that they always lie in a row */
} pdm_filter;

/* n samples out of n * PDM_STEP * 2^log2_bits bits, the first in bit 0 of the first byte. taps: n_taps of them (a
 * multiple of PDM_STEP, at most PDM_MOST_TAPS), 32768 in all and less than 65536 of absolute values; full scale of
 * the samples is then 2^30. */
void pdm_decimate(pdm_filter *filter, const uint8_t *bits, int32_t n, const int16_t *taps, int32_t n_taps,
                  int32_t *samples);

#endif
