/* Log-likelihoods of Gaussians over features with few whole values: polynomials, in exact sums. */
#ifndef GAUSSIAN_NEAR_H
#define GAUSSIAN_NEAR_H

#include <stdint.h>

/* Features that are held on the stack at a time. */
enum { GAUSSIAN_CHUNK = 64 };

/* Of a class that is out, where another is not. */
#define GAUSSIAN_EXCLUDED (-((int64_t)1 << 61))

typedef struct {
    int16_t low;
    uint16_t span;
} gaussian_range;

/* Classes, one a bit, that have seen one value of a feature alone. */
typedef struct {
    uint16_t feature;
    int16_t value;
    uint32_t classes;
} gaussian_fixed;

/* sum = constant - sum of (square * z + slope) * z - weight * apart, with z = x - low, and apart the sum of
 * (x - fixed)^2, less the least of all classes. */
typedef struct {
    const int32_t *terms; /* (square, slope) of the features of a chunk, by class; chunks padded to even lengths */
    const int64_t *constants;
    const gaussian_range *ranges; /* of features: where all of a row are inside, sums fit 32 bits */
    const gaussian_fixed *fixed;
    int64_t weight;
    uint32_t most_apart; /* what it saturates at */
    int32_t n_fixed;
    int32_t n_in;
    int32_t n_classes;
} gaussian_near;

void gaussian_near_sums(const gaussian_near *model, const int16_t *x, int64_t *sums);

/* Sum of (square * z + slope) * z, modulo 2^32; n even, above 0. */
uint32_t gaussian_near_terms(const int32_t *z, const int32_t *terms, int32_t n);

#endif
