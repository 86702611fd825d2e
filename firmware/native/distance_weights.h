/* Nearest neighbours that count by how near they are. */
#ifndef DISTANCE_WEIGHTS_H
#define DISTANCE_WEIGHTS_H

#include "neighbors.h"

/* weights[i] = 2^15 of the nearest one's distance over that of nearest[i], which are in ascending order; where
 * some lie at x itself, 2^15 for these and 0 for the others. power: 2 Euclidean, 1 absolute differences. */
void distance_weights(const neighbors_model *model, int32_t power, const int16_t *x, const uint16_t *nearest,
                      int32_t *weights);

/* Scores, Q15 shares of the weights of each class, and the winner, the lowest of equals. */
int32_t weighted_vote(const uint8_t *classes, const uint16_t *nearest, const int32_t *weights,
                      int32_t n_neighbors, int32_t n_classes, int16_t *scores);

/* n_neighbors times the weighted mean of values, rounded towards 0. */
int32_t weighted_sum(const int32_t *values, const uint16_t *nearest, const int32_t *weights,
                     int32_t n_neighbors);

#endif
