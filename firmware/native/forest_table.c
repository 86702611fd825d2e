/* Walks forests that are constant bytes. */
#include "forest_table.h"

#if defined(__GNUC__)
#define FOREST_INLINE static inline __attribute__((always_inline))
#define FOREST_NOINLINE __attribute__((noinline))
#else
#define FOREST_INLINE static inline
#define FOREST_NOINLINE
#endif

/* Forms of a limit. */
enum { WORD, BYTE, PLACE };

FOREST_INLINE const uint8_t *number_end(const uint8_t *number)
{
    const uint32_t first = *number++;

    if (first < FOREST_TWO_BYTES) {
        return number;
    }
    return number + (first < FOREST_FOUR_BYTES ? 1 : 3);
}

static FOREST_NOINLINE uint32_t number_get(const uint8_t *number)
{
    if (*number < FOREST_TWO_BYTES) {
        return *number;
    }
    if (*number == FOREST_FOUR_BYTES) {
        return number[1] | (uint32_t)number[2] << 8 | (uint32_t)number[3] << 16;
    }
    return (number[0] - FOREST_TWO_BYTES) << 8 | number[1];
}

/* The leaf that `x` falls into, below the node at `at`. */
FOREST_INLINE const uint8_t *leaf_find(const forest_table *forest, const uint8_t *at, const int16_t *x,
                                        const int32_t feature_bytes, const int32_t form)
{
    for (;;) {
        uint32_t feature = *at++;
        uint32_t flags;
        int32_t limit;

        if (feature_bytes == 1) {
            flags = feature >> 6;
            feature &= 0x3F;
        } else {
            feature |= (uint32_t)*at++ << 8;
            flags = feature >> 14;
            feature &= 0x3FFF;
        }
        limit = *at++;
        if (form == WORD) {
            limit = (int16_t)(limit | *at++ << 8);
        } else if (form == BYTE) {
            limit += forest->lowest;
        } else {
            limit = forest->limits[forest->starts[feature] + limit];
        }
        const int32_t value = x[feature];
        if (flags == 0) {
            /* Most subtrees are small. */
            uint32_t left_bytes = *at;
            if (left_bytes < FOREST_TWO_BYTES) {
                at++;
            } else {
                left_bytes = number_get(at);
                at = number_end(at);
            }
            if (value > limit) {
                at += left_bytes;
            }
        } else if (value <= limit) {
            if (flags & FOREST_LEFT_IS_LEAF) {
                return at;
            }
            at = number_end(at);
        } else {
            if (flags == FOREST_RIGHT_IS_LEAF) {
                return at;
            }
            at = number_end(at);
            if (flags & FOREST_RIGHT_IS_LEAF) {
                return at;
            }
        }
    }
}

static void leaf_add(const forest_table *forest, uint32_t leaf, uint32_t *sums)
{
    if (leaf < (uint32_t)forest->n_classes) {
        sums[leaf] += forest->one;
        return;
    }
    const uint8_t *vote = forest->votes + (leaf - (uint32_t)forest->n_classes);
    for (;;) {
        uint32_t class = *vote++;
        uint32_t is_last = class & FOREST_LAST;
        if (forest->n_classes > 128) {
            class |= (uint32_t)*vote++ << 8;
            is_last = class & FOREST_LAST_OF_MANY;
        }
        uint32_t sum = sums[class - is_last] + vote[0] + ((uint32_t)vote[1] << 8);
        vote += 2;
        if (forest->is_wide) {
            sum += (uint32_t)*vote++ << 16;
        }
        sums[class - is_last] = sum;
        if (is_last) {
            return;
        }
    }
}

/* Written out for each form: a node costs no decision about it. */
#define FOREST_CLASSIFY(name, feature_bytes, form)                                                             \
    int32_t name(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores)                \
    {                                                                                                          \
        const uint8_t *tree = forest->nodes;                                                                   \
        int32_t winner = 0;                                                                                    \
                                                                                                               \
        for (int32_t c = 0; c < forest->n_classes; c++) {                                                      \
            sums[c] = forest->half;                                                                            \
        }                                                                                                      \
        for (int32_t t = 0; t < forest->n_trees; t++) {                                                        \
            const uint8_t *const root = number_end(tree);                                                      \
            leaf_add(forest, number_get(leaf_find(forest, root, x, feature_bytes, form)), sums);               \
            tree = root + number_get(tree);                                                                    \
        }                                                                                                      \
        for (int32_t c = 0; c < forest->n_classes; c++) {                                                      \
            if (sums[c] > sums[winner]) {                                                                      \
                winner = c;                                                                                    \
            }                                                                                                  \
            scores[c] = (int16_t)(sums[c] >> forest->shift);                                                   \
        }                                                                                                      \
        return winner;                                                                                         \
    }

FOREST_CLASSIFY(forest_classify_1_word, 1, WORD)
FOREST_CLASSIFY(forest_classify_1_byte, 1, BYTE)
FOREST_CLASSIFY(forest_classify_1_place, 1, PLACE)
FOREST_CLASSIFY(forest_classify_2_word, 2, WORD)
FOREST_CLASSIFY(forest_classify_2_byte, 2, BYTE)
FOREST_CLASSIFY(forest_classify_2_place, 2, PLACE)
