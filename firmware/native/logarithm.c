/* Logarithms of integers: the exponent by counting bits, the mantissa by a table with straight lines between. */
#include "logarithm.h"

/* log2(1 + i / 16) in steps of 1/4096. */
static const uint16_t mantissas[17] = {
    0, 358, 696, 1016, 1319, 1607, 1882, 2145, 2396, 2637, 2869, 3092, 3307, 3514, 3715, 3908, 4096,
};

int32_t log2_u32(uint32_t value)
{
    int32_t exponent = 31;

#if defined(__ARM_FEATURE_CLZ)
    const int32_t zeros = __builtin_clz(value);
    value <<= zeros;
    exponent -= zeros;
#else
    for (int32_t step = 16; step != 0; step >>= 1) {
        if (value >> (32 - step) == 0) {
            value <<= step;
            exponent -= step;
        }
    }
#endif
    const uint32_t at = value >> 27 & 15;
    const uint32_t rest = value >> 19 & 255;
    const uint32_t low = mantissas[at];
    const uint32_t log = low + ((mantissas[at + 1] - low) * rest + 128 >> 8);
    return exponent * 256 + (int32_t)(log + 8 >> 4);
}
