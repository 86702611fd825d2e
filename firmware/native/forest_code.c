/* The biased copy of features that if/else forests walk on Thumb-1 cores. */
#include "forest_code.h"

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) feature_pair;
typedef uint16_t __attribute__((may_alias)) biased_feature;
#else
typedef uint16_t biased_feature;
#endif

void forest_bias(const int16_t *features, uint32_t *biased, int32_t n)
{
    biased_feature *to = (biased_feature *)biased;

#if defined(__GNUC__)
    if (((uintptr_t)features & 3) == 0) {
        const feature_pair *from = (const feature_pair *)features;
        const uint32_t signs = 0x80008000u;

        for (; n >= 8; n -= 8) {
            uint32_t a = from[0];
            uint32_t b = from[1];
            uint32_t c = from[2];
            uint32_t d = from[3];
            biased[0] = a ^ signs;
            biased[1] = b ^ signs;
            biased[2] = c ^ signs;
            biased[3] = d ^ signs;
            from += 4;
            biased += 4;
        }
        features = (const int16_t *)from;
        to = (biased_feature *)biased;
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        to[i] = (uint16_t)((uint16_t)features[i] ^ 0x8000u);
    }
}
