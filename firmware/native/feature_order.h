/* Features as unsigned numbers of the same order: Thumb-1 loads those with their offset in the instruction. */
#ifndef FEATURE_ORDER_H
#define FEATURE_ORDER_H

#include <stdint.h>

/* Words of room for `n` features. */
#define FEATURE_ORDER_WORDS(n) (((n) + 1) / 2)

/* For models whose thresholds are all 0 or above: `features` itself if none is negative, else `room` with the negative
 * ones as 0. */
const uint16_t *features_natural(const int16_t *features, int32_t n, uint32_t *room);

/* `room` with 32768 added to each feature. */
const uint16_t *features_biased(const int16_t *features, int32_t n, uint32_t *room);

#endif
