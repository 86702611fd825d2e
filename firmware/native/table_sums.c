/* Sums of models that are tables, each by the kernel of its family. */
#include "activation.h"
#include "dense.h"
#include "gaussian.h"
#include "table_model.h"

void linear_table_sums(const void *model, const int16_t *x, int32_t *sums)
{
    const table_dense *const dense = model;

    dense_int16(x, dense->weights, dense->bias, dense->n_in, dense->n_out, sums);
}

void linear_table_exact_sums(const void *model, const int16_t *x, int64_t *sums)
{
    const table_dense *const dense = model;

    dense_exact_int16(x, dense->weights, dense->bias, dense->n_in, dense->n_out, dense->limit, sums);
}

void gaussian_table_sums(const void *model, const int16_t *x, int64_t *sums)
{
    const table_gaussian *const of = model;

    gaussian_sums(x, of->terms, of->constants, of->n_in, of->n_classes, sums);
}

void dense_table(const int16_t *x, const void *weights, const int16_t *multipliers, const int32_t *bias,
                 int32_t n_in, int32_t n_out, int32_t *sums)
{
    (void)multipliers;
    dense_int16(x, weights, bias, n_in, n_out, sums);
}

int16_t relu_table(int32_t sum, int32_t shift)
{
    return activation_relu(sum, shift);
}

int16_t identity_table(int32_t sum, int32_t shift)
{
    return activation_identity(sum, shift);
}
