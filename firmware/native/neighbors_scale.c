/* Features on the one scale of nearest neighbours, each rounded to nearest. */
#include "neighbors_scale.h"

void neighbors_scale(const neighbors_model *model, const int16_t *x, int16_t *y)
{
    const int32_t shift = model->factor_shift;
    const int32_t half = 1 << shift >> 1;

    for (int32_t i = 0; i < model->n_in; i++) {
        const int32_t product = (x[i] - model->centers[i]) * model->factors[i];
        /* The half may not fit beside the largest product. */
        const int32_t scaled = (product >> shift) + (((product & ((1 << shift) - 1)) + half) >> shift);
        y[i] = (int16_t)(scaled > 32767 ? 32767 : scaled < -32767 ? -32767 : scaled);
    }
}
