/* Nearest neighbours that count by how near they are, as tables. */
#ifndef TABLE_WEIGHTED_H
#define TABLE_WEIGHTED_H

#include "neighbors.h"

typedef struct {
    void (*find)(const neighbors_model *model, const int16_t *x, uint16_t *nearest);
    const neighbors_model *model;
    const uint8_t *classes; /* of each point, */
    const int32_t *values;  /* or its value */
    int32_t power;
    int32_t n_neighbors;
    int32_t n_classes;
} table_weighted;

#endif
