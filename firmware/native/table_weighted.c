/* Nearest neighbours that count by how near they are, as tables; no more than TABLE_ROOM of them. */
#include "table_weighted.h"

#include "distance_weights.h"

extern const table_weighted midge_weighted;

int32_t weighted_table_judge(const int16_t *x, int16_t *scores)
{
    const table_weighted *const of = &midge_weighted;
    uint16_t nearest[TABLE_ROOM];
    int32_t weights[TABLE_ROOM];

    of->find(of->model, x, nearest);
    distance_weights(of->model, of->power, x, nearest, weights);
    return weighted_vote(of->classes, nearest, weights, of->n_neighbors, of->n_classes, scores);
}

void weighted_table_sums(const void *model, const int16_t *x, int32_t *sums)
{
    const table_weighted *const of = model;
    uint16_t nearest[TABLE_ROOM];
    int32_t weights[TABLE_ROOM];

    of->find(of->model, x, nearest);
    distance_weights(of->model, of->power, x, nearest, weights);
    sums[0] = weighted_sum(of->values, nearest, weights, of->n_neighbors);
}
