/* The nearest of many points, by exact integers. */
#ifndef NEIGHBORS_H
#define NEIGHBORS_H

#include <stdint.h>

/* Points whose dot products are held on the stack at a time. */
enum { NEIGHBORS_CHUNK = 32 };

typedef struct {
    const int16_t *points;  /* rows of n_in, padded to an even length */
    const int32_t *zeros;   /* NEIGHBORS_CHUNK of them */
    const int64_t *squares; /* of each point, for wide sums */
    const int32_t *lengths; /* the same, for narrow ones */
    const int16_t *centers; /* y = ((x - center) * factor + half) >> factor_shift, saturated; NULL: y = x */
    const int16_t *factors;
    int32_t factor_shift;
    int32_t n_in;
    int32_t n_points;
    int32_t n_neighbors;
    int32_t narrow; /* squared distances fit 32 bits where all |y| are at most this; 32768: always */
} neighbors_model;

/* Writes the numbers of the n_neighbors nearest points by Euclidean distance, the first ones among equals. */
void neighbors_euclidean(const neighbors_model *model, const int16_t *x, uint16_t *nearest);

/* The same by the sum of absolute differences. */
void neighbors_manhattan(const neighbors_model *model, const int16_t *x, uint16_t *nearest);

#endif
