/* Powers of two, softmax and sigmoid in integers. Exponents have 12 fraction bits. */
#ifndef EXPONENTIAL_H
#define EXPONENTIAL_H

#include <stdint.h>

enum { EXPONENT_LARGEST = 18 << 12 };

/* A sum >= 0 with 12 + shift fraction bits as an exponent, EXPONENT_LARGEST at most. */
static inline uint32_t exponent_uint32(uint32_t sum, int32_t shift)
{
    if (shift < 0) {
        const int32_t room = -shift < 20 ? -shift : 20;
        return sum > (uint32_t)EXPONENT_LARGEST >> room ? (uint32_t)EXPONENT_LARGEST : sum << room;
    }
    sum >>= shift < 31 ? shift : 31;
#if defined(__ARM_FEATURE_SAT)
    if (shift > 0) {
        /* From EXPONENT_LARGEST on all powers are 0. */
        return __builtin_arm_usat((int32_t)sum, 17);
    }
#endif
    return sum > EXPONENT_LARGEST ? EXPONENT_LARGEST : sum;
}

static inline uint32_t exponent_uint64(uint64_t sum, int32_t shift)
{
    const uint64_t most = shift < 0 ? EXPONENT_LARGEST : (uint64_t)EXPONENT_LARGEST << (shift < 32 ? shift : 32);

    if (sum > most) {
        return EXPONENT_LARGEST;
    }
    if (shift < 0) {
        return exponent_uint32((uint32_t)sum, shift);
    }
    return (uint32_t)(sum >> (shift < 62 ? shift : 62));
}

/* floor((2^32 - 1) / total), of a total of 2^16 … 2^31 - 1. */
#if defined(__thumb__) && !defined(__thumb2__)
uint32_t reciprocal_uint32(uint32_t total);
#else
static inline uint32_t reciprocal_uint32(uint32_t total)
{
    return 0xFFFFFFFFu / total;
}
#endif

extern const uint16_t power_table[65];

/* As negative_power, for loops that are worth the space. */
static inline uint32_t negative_power_inline(uint32_t exponent)
{
    const uint16_t *step = &power_table[exponent >> 6 & 63];
    const uint32_t high = step[0] + 1u;
    const uint32_t low = step[1] + 1u;

    return (high - ((high - low) * (exponent & 63) >> 6)) >> (exponent >> 12);
}

/* 65536 * 2^-exponent, for exponents up to EXPONENT_LARGEST. */
uint32_t negative_power(uint32_t exponent);

/* Q15 of 1 / (1 + 2^-exponent), or of 1 less that. */
int32_t sigmoid_q15(uint32_t exponent, int32_t is_negative);

/* Q15 shares of 2^-exponent in their sum. Overwrites the exponents. */
void softmax_write(uint32_t *exponents, int32_t n, int16_t *scores);

/* Q15 shares of n shares in their sum, in place; all the same if it is 0. */
void shares_normalise(int16_t *shares, int32_t n);

#endif
