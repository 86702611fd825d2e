/* Log-likelihoods of Gaussians with independent features. */
#ifndef GAUSSIAN_H
#define GAUSSIAN_H

#include <stdint.h>

/* deviation = (x * factor + offset) >> shift, saturated to 16 bits. */
typedef struct {
    int32_t offset;
    int16_t shift;
    int16_t factor;
} gaussian_term;

/* sums[c] = constants[c] - sum of the squared deviations of class c; terms: n_classes rows of n_in. */
void gaussian_sums(const int16_t *x, const gaussian_term *terms, const int32_t *constants, int32_t n_in,
                   int32_t n_classes, int64_t *sums);

/* Sum of the squared deviations of one class; n_in > 0. */
uint64_t gaussian_deviation(const int16_t *x, const gaussian_term *terms, int32_t n_in);

#endif
