/* Sums times factors, rounded as TensorFlow Lite's reference kernels do: the high half of the doubled product, ties up,
 * then a shift to the right, ties away from zero. In dense layers: once, ties up. */
#ifndef CONV_SCALE_H
#define CONV_SCALE_H

#include <stdint.h>

/* sum * multiplier / 2^31; multiplier >= 0 and |sum| < 2^30. */
static inline int32_t scale_high(int32_t sum, int32_t multiplier)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(sum * 2), "r"(multiplier));
    return high;
#else
    return (int32_t)(((int64_t)sum * multiplier + (1 << 30)) >> 31);
#endif
}

/* The same for multiplier = upper * 65536, in single words. */
static inline int32_t scale_high_narrow(int32_t sum, int32_t upper)
{
#if defined(__ARM_FEATURE_DSP)
    return scale_high(sum, upper << 16);
#else
    return ((sum >> 16) * upper << 1) + (int32_t)(((uint32_t)(sum & 0xFFFF) * (uint32_t)upper + 0x4000u) >> 15);
#endif
}

/* (value / 2^(shift + 1) rounded) * 2, and perhaps 1 more: the caller adds what it likes and shifts once. */
static inline int32_t shift_half(int32_t value, int32_t shift)
{
    return ((value + (value >> 31)) >> shift) + 1;
}

static inline int32_t scale_any(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift < 0 ? -shift : 0;
    const int32_t high = (int32_t)(((int64_t)sum * (1 << left) * multiplier + (1 << 30)) >> 31);

    return shift > 0 ? shift_half(high, shift - 1) >> 1 : high;
}

static inline int32_t scale_once(int32_t sum, int32_t multiplier, int32_t shift)
{
    return (int32_t)(((int64_t)sum * multiplier + ((int64_t)1 << (30 + shift))) >> (31 + shift));
}

/* value held within low…high. */
static inline uint8_t value_limit(int32_t value, int32_t low, int32_t high)
{
    return (uint8_t)(value < low ? low : value > high ? high : value);
}

#endif
