/* Exact sums as saturated Q15 scores: sum / 2^shift, within ±32767. */
#ifndef Q15_H
#define Q15_H

#include <stdint.h>

enum { Q15_ONE = 32767 };

static inline int16_t q15_int32(int32_t sum, int32_t shift)
{
    if (shift < 0) {
        sum = sum > Q15_ONE ? Q15_ONE : sum < -Q15_ONE ? -Q15_ONE : sum;
        sum *= 1 << (-shift < 16 ? -shift : 16);
    } else {
        sum >>= shift < 31 ? shift : 31;
    }
    return (int16_t)(sum > Q15_ONE ? Q15_ONE : sum < -Q15_ONE ? -Q15_ONE : sum);
}

static inline int16_t q15_int64(int64_t sum, int32_t shift)
{
    if (shift < 0) {
        sum = sum > Q15_ONE ? Q15_ONE : sum < -Q15_ONE ? -Q15_ONE : sum;
        sum *= 1 << (-shift < 16 ? -shift : 16);
    } else {
        sum >>= shift < 62 ? shift : 62;
    }
    return (int16_t)(sum > Q15_ONE ? Q15_ONE : sum < -Q15_ONE ? -Q15_ONE : sum);
}

#endif
