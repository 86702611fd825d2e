/* Winner and Q15 shares of values whose powers of two count: the bits of softmax_write(), in fewer passes. */
#ifndef SOFTMAX_H
#define SOFTMAX_H

#include <stdint.h>

#include "exponential.h"

/* (round(65536 * 2^(-i / 64)) - 1) << 16 | what the next one is less. */
extern const uint32_t softmax_power_steps[64];

/* Returns the index of the highest sum, the lowest at a tie; scores are the shares of 2^sum, where sums have 12 + shift
 * fraction bits. Overwrites the sums; any two may be 2^32 - 1 apart. Inline, so that the shift is a constant. */
static inline int32_t softmax_int32(int32_t *sums, int32_t n, int32_t shift, int16_t *scores)
{
    int32_t highest = sums[0];
    int32_t winner = 0;
    uint32_t total = 0;

    for (int32_t i = 1; i < n; i++) {
        if (sums[i] > highest) {
            highest = sums[i];
            winner = i;
        }
    }
    for (int32_t i = 0; i < n; i++) {
        const uint32_t exponent = exponent_uint32((uint32_t)highest - (uint32_t)sums[i], shift);
        const uint32_t step = softmax_power_steps[exponent >> 6 & 63];
        const uint32_t power = ((step >> 16) + 1 - ((step & 0xFFFFu) * (exponent & 63) >> 6)) >> (exponent >> 12);

        sums[i] = (int32_t)power;
        total += power;
    }
    const uint32_t inverse = reciprocal_uint32(total);
    for (int32_t i = 0; i < n; i++) {
        scores[i] = (int16_t)((uint32_t)sums[i] * inverse >> 17);
    }
    return winner;
}

#endif
