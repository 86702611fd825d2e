/* Nearest neighbours that are tables; no more than TABLE_ROOM of them. */
#include "table_model.h"

int32_t neighbors_table_judge(const int16_t *x, int16_t *scores)
{
    const table_neighbors *const of = &midge_neighbors;
    uint16_t nearest[TABLE_ROOM];
    int32_t winner = 0;

    of->find(of->model, x, nearest);
    for (int32_t c = 0; c < of->n_classes; c++) {
        scores[c] = 0;
    }
    for (int32_t i = 0; i < of->n_neighbors; i++) {
        scores[of->classes[nearest[i]]]++;
    }
    for (int32_t c = 1; c < of->n_classes; c++) {
        winner = scores[c] > scores[winner] ? c : winner;
    }
    for (int32_t c = 0; c < of->n_classes; c++) {
        scores[c] = (int16_t)(scores[c] * of->worth >> 8);
    }
    return winner;
}

void neighbors_table_sums(const void *model, const int16_t *x, int32_t *sums)
{
    const table_neighbors *const of = model;
    uint16_t nearest[TABLE_ROOM];

    of->find(of->model, x, nearest);
    sums[0] = of->bias;
    for (int32_t i = 0; i < of->n_neighbors; i++) {
        sums[0] += of->values[nearest[i]];
    }
}
