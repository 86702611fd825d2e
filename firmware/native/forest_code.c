/* Unsigned features: what if/else forests walk on Thumb-1 cores. */
#include "forest_code.h"

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) feature_pair;
typedef uint16_t __attribute__((may_alias)) biased_feature;
#else
typedef uint16_t biased_feature;
#endif

const uint16_t *forest_bias(const int16_t *features, uint32_t *copy, int32_t n)
{
    uint32_t *biased = copy;
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
    return (const uint16_t *)copy;
}

/* Is any feature negative? */
static int32_t features_are_signed(const int16_t *features, int32_t n)
{
    const int16_t *const end = features + n;
    int32_t all = 0;

#if defined(__GNUC__)
    if (((uintptr_t)features & 3) == 0) {
        const feature_pair *from = (const feature_pair *)features;
        uint32_t pairs = 0;

        for (; n >= 8; n -= 8) {
            pairs |= from[0] | from[1] | from[2] | from[3];
            from += 4;
        }
        all = (pairs & 0x80008000u) != 0 ? -1 : 0;
        features = (const int16_t *)from;
    }
#endif
    for (; features != end; features++) {
        all |= *features;
    }
    return all < 0;
}

const uint16_t *forest_clamp(const int16_t *features, uint32_t *copy, int32_t n)
{
    biased_feature *const to = (biased_feature *)copy;

    if (!features_are_signed(features, n)) {
        return (const uint16_t *)features;
    }
    for (int32_t i = 0; i < n; i++) {
        to[i] = (uint16_t)(features[i] < 0 ? 0 : features[i]);
    }
    return (const uint16_t *)copy;
}

const void *forest_align(const int16_t *features, uint32_t *copy, int32_t n)
{
    if (((uintptr_t)features & 3) == 0) {
        return features;
    }
    for (int32_t i = 0; i < n; i++) {
        ((biased_feature *)copy)[i] = (uint16_t)features[i];
    }
    return copy;
}
