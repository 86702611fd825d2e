/* Sums of trees as constant tables: small, and walked by one function whatever the model. */
#ifndef ADDITIVE_TABLE_H
#define ADDITIVE_TABLE_H

#include <stdint.h>

/* In the first word of a node. */
#define ADDITIVE_FEATURE 0x3FFFu
#define ADDITIVE_LEFT_IS_LEAF 0x4000u
#define ADDITIVE_RIGHT_IS_LEAF 0x8000u

/* The trees of a model, in the order of the values that they add to.
 *
 * A node is three words: feature and flags; limit (int16: left if feature <= limit); right child, a leaf or the
 * words from this node to that one. Behind it comes its left child: one word if that is a leaf, else the node. */
typedef struct {
    const uint16_t *nodes;
    const int32_t *leaves;
    const uint32_t *roots;   /* places of the first node of each tree */
    const uint16_t *n_trees; /* of each value */
    const int32_t *bias;
    int32_t n_values;
} additive_table;

/* The same with sums of 64 bits. */
typedef struct {
    const uint16_t *nodes;
    const int64_t *leaves;
    const uint32_t *roots;
    const uint16_t *n_trees;
    const int64_t *bias;
    int32_t n_values;
} additive_table_wide;

/* Writes sums[n_values]: bias and the leaves that x falls into. */
void additive_table_sums(const additive_table *model, const int16_t *x, int32_t *sums);
void additive_table_wide_sums(const additive_table_wide *model, const int16_t *x, int64_t *sums);

#endif
