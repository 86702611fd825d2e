/* Forests as constant bytes: small, and walked by one function for each form of node. */
#ifndef FOREST_TABLE_H
#define FOREST_TABLE_H

#include <stdint.h>

/* Flags in the highest bits of a node's first byte, or of its first word where features have two bytes. */
enum { FOREST_LEFT_IS_LEAF = 1, FOREST_RIGHT_IS_LEAF = 2 };

/* A number is one byte below FOREST_TWO_BYTES; from there on two, the second one lower; behind FOREST_FOUR_BYTES
 * three, the lowest first. */
#define FOREST_TWO_BYTES 0xC0u
#define FOREST_FOUR_BYTES 0xFFu

/* In the class of a vote, of one byte or of two (up to 128 classes or above). */
#define FOREST_LAST 0x80u
#define FOREST_LAST_OF_MANY 0x8000u

/* A forest; constant for a model.
 *
 * A tree is the number of its bytes, then its root. A node is feature and flags (one byte up to 64 features, two
 * above), limit (left if feature <= limit), then
 *   both children are leaves: the left leaf, the right leaf;
 *   one is:                   that leaf, the other child;
 *   none is:                  the number of bytes of the left child, the left child, the right child.
 * Limits: two bytes, low first; or one byte above `lowest`; or one byte, a place in the feature's own limits.
 * A leaf is a number: below n_classes a class that gets `one` vote; from there on the place of its votes: class,
 * vote of two bytes (three if `is_wide`), low first, until one is marked as the last. */
typedef struct {
    const uint8_t *nodes;
    const uint8_t *votes;
    const int16_t *limits;  /* of all features, if they have own ones */
    const uint16_t *starts; /* where those of each feature begin */
    int32_t lowest;
    int32_t n_trees;
    int32_t n_classes;
    uint32_t one;
    uint32_t half;  /* what each sum begins with */
    uint32_t shift; /* score = sum >> shift */
    uint32_t is_wide;
} forest_table;

/* Adds up the votes in sums[n_classes], writes scores[n_classes] (Q15); returns the winner, the lowest at a tie.
 * One function for each form of node: bytes of a feature, form of a limit. */
int32_t forest_classify_1_word(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores);
int32_t forest_classify_1_byte(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores);
int32_t forest_classify_1_place(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores);
int32_t forest_classify_2_word(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores);
int32_t forest_classify_2_byte(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores);
int32_t forest_classify_2_place(const forest_table *forest, const int16_t *x, uint32_t *sums, int16_t *scores);

#endif
