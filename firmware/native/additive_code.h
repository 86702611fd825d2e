/* What generated sums of if/else trees are written in: how they read a feature, and the best form for each core. */
#ifndef ADDITIVE_CODE_H
#define ADDITIVE_CODE_H

#include <stdint.h>

#include "feature_order.h"

/* The generator says how Thumb-1 cores read features: 0 as they are, 1 where all thresholds are 0 or above, 2 biased. */
#if defined(__thumb__) && !defined(__thumb2__)
#define ADDITIVE_ORDER ADDITIVE_THUMB1_ORDER
#else
#define ADDITIVE_ORDER 0
#endif

#if ADDITIVE_ORDER == 0
typedef int16_t additive_feature;
#else
typedef uint16_t additive_feature;
#endif

#if ADDITIVE_ORDER == 2
#define ADDITIVE_LIMIT(limit) ((limit) + 32768)
#else
#define ADDITIVE_LIMIT(limit) (limit)
#endif

/* Loads reach 32 features from a pointer there: three pointers reach 96. */
#if defined(__thumb__) && !defined(__thumb2__)
#define ADDITIVE_ROW const additive_feature *x0, const additive_feature *x1, const additive_feature *x2
#define ADDITIVE_ROW_OF(row) (row), (row) + 32, (row) + 64
#define ADDITIVE_UNUSED (void)x1, (void)x2
#else
#define ADDITIVE_ROW const additive_feature *x0
#define ADDITIVE_UNUSED (void)0
#define ADDITIVE_ROW_OF(row) (row)
#define x1 (x0 + 32)
#define x2 (x0 + 64)
#endif

/* On Cortex-M a branch around an addition is cheaper than loading the constant in any case. */
#if defined(__GNUC__) && defined(__arm__)
#define ADDITIVE_ADD(leaf)                                                                                     \
    do {                                                                                                       \
        sum += (leaf);                                                                                         \
        __asm__("" : "+r"(sum));                                                                               \
    } while (0)
#else
#define ADDITIVE_ADD(leaf) sum += (leaf)
#endif

#if defined(__GNUC__)
#define ADDITIVE_NOINLINE __attribute__((noinline))
#else
#define ADDITIVE_NOINLINE
#endif

/* Literal pools instead of pairs of moves: fewer bytes and fewer instructions. */
#if defined(__clang__)
#define ADDITIVE_MINSIZE __attribute__((minsize))
#else
#define ADDITIVE_MINSIZE
#endif

#endif
