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

/* Where there is an assembler for it, forests are instructions. */
#if defined(__thumb2__) && defined(__GNUC__)
#define FOREST_IS_THUMB2 1
#else
#define FOREST_IS_THUMB2 0
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

/* Cores with many registers hold what many nodes read; the compiler shall not read it again. */
#if defined(__riscv) && defined(__GNUC__)
#define FOREST_HOLDS 1
#define FOREST_HOLD(value) __asm__("" : "+r"(value))
#else
#define FOREST_HOLDS 0
#endif

/* A pointer of its own, instead of a sum at every load. */
#if FOREST_IS_BIASED && defined(__GNUC__)
#define FOREST_APART(pointer) __asm__("" : "+r"(pointer))
#else
#define FOREST_APART(pointer) (void)(pointer)
#endif

/* Room for a copy of `n` features. */
#define FOREST_COPY_WORDS(n) (((n) + 1) / 2)

/* features[0..n) with the sign bit turned over, in `copy`. */
const uint16_t *forest_bias(const int16_t *features, uint32_t *copy, int32_t n);

/* The features themselves, or, if there are negative ones, in `copy` with 0 in their place. */
const uint16_t *forest_clamp(const int16_t *features, uint32_t *copy, int32_t n);

/* The features, at a multiple of four: in `copy`, unless they are. */
const void *forest_align(const int16_t *features, uint32_t *copy, int32_t n);

#endif
