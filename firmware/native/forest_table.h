/* Forests as constant tables: small, and walked by one function whatever the model. */
#ifndef FOREST_TABLE_H
#define FOREST_TABLE_H

#include <stdint.h>

/* In the first word of a node. */
#define FOREST_FEATURE 0x3FFFu
#define FOREST_LEFT_IS_LEAF 0x4000u
#define FOREST_RIGHT_IS_LEAF 0x8000u

/* In the first word of a vote. */
#define FOREST_CLASS 0x7FFFu
#define FOREST_LAST 0x8000u

/* A forest; constant for a model.
 *
 * A node is three words: feature and flags; limit (int16: left if feature <= limit); right child, a leaf or the
 * words from this node to that one. Behind it comes its left child: one word if that is a leaf, else the node.
 * A leaf is the place of its votes: class and FOREST_LAST, votes (two words, low first, if `is_wide`). */
typedef struct {
    const uint16_t *nodes;
    const uint32_t *roots; /* places of the first node of each tree */
    const uint16_t *votes;
    int32_t n_trees;
    int32_t n_classes;
    uint32_t half;  /* what each sum begins with */
    uint32_t shift; /* score = sum >> shift */
    uint32_t is_wide;
} forest_table;

/* Adds up the votes in sums[n_classes], writes scores[n_classes] (Q15); returns the winner, the lowest at a tie. */
int32_t forest_table_classify(const forest_table *forest, const int16_t *features, uint32_t *sums, int16_t *scores);

#endif
