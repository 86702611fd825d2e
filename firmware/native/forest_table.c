/* Walks forests that are constant tables. */
#include "forest_table.h"

/* Place of the votes of the leaf that `features` falls into. */
static uint32_t tree_leaf(const uint16_t *node, const int16_t *features)
{
    for (;;) {
        uint32_t head = node[0];

        if (features[head & FOREST_FEATURE] <= (int16_t)node[1]) {
            if (head & FOREST_LEFT_IS_LEAF) {
                return node[3];
            }
            node += 3;
        } else {
            if (head & FOREST_RIGHT_IS_LEAF) {
                return node[2];
            }
            node += node[2];
        }
    }
}

static void leaf_add_narrow(const uint16_t *vote, uint32_t *sums)
{
    for (;; vote += 2) {
        sums[vote[0] & FOREST_CLASS] += vote[1];
        if (vote[0] & FOREST_LAST) {
            return;
        }
    }
}

static void leaf_add_wide(const uint16_t *vote, uint32_t *sums)
{
    for (;; vote += 3) {
        sums[vote[0] & FOREST_CLASS] += vote[1] | (uint32_t)vote[2] << 16;
        if (vote[0] & FOREST_LAST) {
            return;
        }
    }
}

int32_t forest_table_classify(const forest_table *forest, const int16_t *features, uint32_t *sums, int16_t *scores)
{
    int32_t winner = 0;

    for (int32_t c = 0; c < forest->n_classes; c++) {
        sums[c] = forest->half;
    }
    for (int32_t t = 0; t < forest->n_trees; t++) {
        const uint16_t *vote = forest->votes + tree_leaf(forest->nodes + forest->roots[t], features);

        if (forest->is_wide) {
            leaf_add_wide(vote, sums);
        } else {
            leaf_add_narrow(vote, sums);
        }
    }
    for (int32_t c = 0; c < forest->n_classes; c++) {
        if (sums[c] > sums[winner]) {
            winner = c;
        }
        scores[c] = (int16_t)(sums[c] >> forest->shift);
    }
    return winner;
}
