/* Models in double precision, for those that integers lose: slow, and the same bits on every target. */
#ifndef PRECISE_H
#define PRECISE_H

#include <stdint.h>

/* e^x, to a few units in the last place; 0 below -700. */
double precise_exp(double x);

/* x as doubles. */
void precise_features(const int16_t *x, int32_t n, double *values);

/* sums[r] = bias[r] + row r of weights · x, in the order of x. */
void precise_dense(const double *x, const double *weights, const double *bias, int32_t n_in, int32_t n_out,
                   double *sums);

/* Activations of n values, in place. */
void precise_relu(double *values, int32_t n);
void precise_logistic(double *values, int32_t n);
void precise_tanh(double *values, int32_t n);

/* values[v] -= sum of (x - mean)^2 * half[v], for n_values rows of mean and half. */
void precise_gaussian(const double *x, const double *mean, const double *half, int32_t n_in, int32_t n_values,
                      double *values);

/* values[v] -= half the squares of the n_rows numbers that map v makes of x. */
void precise_quadratic(const double *x, const double *maps, const double *offsets, int32_t n_in, int32_t n_rows,
                       int32_t n_values, double *values);

typedef struct {
    const double *vectors;      /* rows of n_in, group after group */
    const double *coefficients; /* n_groups - 1 (at least 1) rows of n_vectors */
    const double *offsets;      /* poly: added to the dot products */
    const double *metric;       /* rbf: of each feature */
    const uint16_t *counts;     /* vectors of each group */
    double gamma;
    double coef0;
    int32_t degree; /* 0: rbf */
    int32_t n_in;
    int32_t n_vectors;
    int32_t n_groups;
} precise_machine;

/* values += coefficients * K(x, vectors), as duels of groups if there are several. */
void precise_kernel(const precise_machine *machine, const double *x, double *values);

/* sums[i] = floor((values[i] - center) * scale + 1/2), within ±2^61. */
void precise_sums(const double *values, int32_t n, double center, double scale, int64_t *sums);

#endif
