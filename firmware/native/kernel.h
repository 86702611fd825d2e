/* Support-vector machines: kernels of a row with all vectors, weighed and added up. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

/* Vectors whose kernels are held on the stack at a time. */
enum { KERNEL_CHUNK = 32 };

typedef struct {
    const int16_t *vectors;      /* rows of n_in, padded to an even length */
    const int32_t *bases;        /* one a vector, added to its dot product */
    const int16_t *coefficients; /* for each chunk of a group: n_groups - 1 (at least 1) rows, of even length */
    const uint16_t *counts;      /* vectors of each group */
    const int32_t *bias;
    const int16_t *centers; /* y = ((x - center) * factor + half) >> factor_shift, saturated */
    const int16_t *factors;
    int32_t factor_shift;
    int32_t n_in;
    int32_t n_groups;
    int32_t n_values;
    int32_t narrow; /* dot products fit 32 bits where the norm (poly: the sum of |y|) is less */
    int32_t shift; /* fraction bits of the dot products, less 12 (rbf) or 15 (poly) */
    uint32_t norm_factor; /* rbf: norm = sum of y^2 * norm_factor >> norm_shift */
    int32_t norm_shift;
    int32_t degree; /* poly */
} kernel_machine;

/* Sums of a machine with K = 2^-((norm(y) - vector · y - base) / 2^(12 + shift)), Q15. */
void kernel_rbf_sums(const kernel_machine *machine, const int16_t *x, int32_t *sums);

/* The same with K = ((vector · y + base) / 2^(15 + shift))^degree, Q15, its argument saturated. */
void kernel_poly_sums(const kernel_machine *machine, const int16_t *x, int32_t *sums);

#endif
