/* What generated if/else forests are written in: how they read a feature, and the best form for each core. */
#ifndef FOREST_CODE_H
#define FOREST_CODE_H

#include <stdint.h>

/* Thumb-1 loads an unsigned half-word with its offset in the instruction, a signed one only with the offset in a
 * register: there the forest walks a copy of the features with the sign bit turned over, where order is unsigned. */
#if defined(__thumb__) && !defined(__thumb2__)
#define FOREST_IS_BIASED 1
typedef uint16_t forest_feature;
#define FOREST_LIMIT(limit) ((limit) + 32768)
#else
#define FOREST_IS_BIASED 0
typedef int16_t forest_feature;
#define FOREST_LIMIT(limit) (limit)
#endif

#if defined(__GNUC__)
#define FOREST_NOINLINE __attribute__((noinline))
#else
#define FOREST_NOINLINE
#endif

/* Literal pools instead of pairs of moves: fewer bytes and fewer instructions. */
#if defined(__clang__)
#define FOREST_MINSIZE __attribute__((minsize))
#else
#define FOREST_MINSIZE
#endif

/* Room for the biased copy of `n` features. */
#define FOREST_BIASED_WORDS(n) (((n) + 1) / 2)

/* Writes features[0..n) with the sign bit turned over into `biased`. */
void forest_bias(const int16_t *features, uint32_t *biased, int32_t n);

#endif
