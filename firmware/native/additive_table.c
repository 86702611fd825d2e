/* Adds up the leaves of trees that are constant tables. */
#include "additive_table.h"

/* Number of the leaf that x falls into. */
static uint32_t additive_leaf(const uint16_t *node, const int16_t *x)
{
    for (;;) {
        const uint32_t head = node[0];

        if (x[head & ADDITIVE_FEATURE] <= (int16_t)node[1]) {
            if (head & ADDITIVE_LEFT_IS_LEAF) {
                return node[3];
            }
            node += 3;
        } else {
            if (head & ADDITIVE_RIGHT_IS_LEAF) {
                return node[2];
            }
            node += node[2];
        }
    }
}

#define ADDITIVE_SUMS(name, width)                                                                             \
    void name##_sums(const name *model, const int16_t *x, width##_t *sums)                                     \
    {                                                                                                          \
        const uint32_t *root = model->roots;                                                                   \
                                                                                                               \
        for (int32_t value = 0; value < model->n_values; value++) {                                            \
            width##_t sum = model->bias[value];                                                                \
                                                                                                               \
            for (int32_t left = model->n_trees[value]; left > 0; left--) {                                     \
                sum += model->leaves[additive_leaf(model->nodes + *root++, x)];                                \
            }                                                                                                  \
            sums[value] = sum;                                                                                 \
        }                                                                                                      \
    }

ADDITIVE_SUMS(additive_table, int32)
ADDITIVE_SUMS(additive_table_wide, int64)
