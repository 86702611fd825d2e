/* Features as unsigned numbers of the same order. */
#include "feature_order.h"

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) feature_pair;
typedef uint16_t __attribute__((may_alias)) ordered_feature;
#else
typedef uint16_t ordered_feature;
#endif

static const uint32_t signs = 0x80008000u;

/* Not 0 if some feature is negative. */
static uint32_t features_signs(const int16_t *features, int32_t n)
{
    uint32_t seen = 0;

#if defined(__GNUC__)
    if (((uintptr_t)features & 3) == 0) {
        const feature_pair *pair = (const feature_pair *)features;

        for (; n >= 16; n -= 16, pair += 8) {
            seen |= pair[0] | pair[1] | pair[2] | pair[3] | pair[4] | pair[5] | pair[6] | pair[7];
        }
        features = (const int16_t *)pair;
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        seen |= (uint16_t)features[i];
    }
    return seen & signs;
}

const uint16_t *features_natural(const int16_t *features, int32_t n, uint32_t *room)
{
    ordered_feature *to = (ordered_feature *)room;

    if (features_signs(features, n) == 0) {
        return (const uint16_t *)features;
    }
    for (int32_t i = 0; i < n; i++) {
        to[i] = (uint16_t)(features[i] < 0 ? 0 : features[i]);
    }
    return (const uint16_t *)room;
}

const uint16_t *features_biased(const int16_t *features, int32_t n, uint32_t *room)
{
    ordered_feature *to = (ordered_feature *)room;

#if defined(__GNUC__)
    if (((uintptr_t)features & 3) == 0) {
        const feature_pair *pair = (const feature_pair *)features;
        uint32_t *word = room;

        for (; n >= 8; n -= 8, pair += 4, word += 4) {
            const uint32_t a = pair[0];
            const uint32_t b = pair[1];
            const uint32_t c = pair[2];
            const uint32_t d = pair[3];
            word[0] = a ^ signs;
            word[1] = b ^ signs;
            word[2] = c ^ signs;
            word[3] = d ^ signs;
        }
        features = (const int16_t *)pair;
        to = (ordered_feature *)word;
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        to[i] = (uint16_t)((uint16_t)features[i] ^ 0x8000u);
    }
    return (const uint16_t *)room;
}
