/* Features on the one scale of nearest neighbours. */
#ifndef NEIGHBORS_SCALE_H
#define NEIGHBORS_SCALE_H

#include "neighbors.h"

/* y = ((x - center) * factor + half) >> factor_shift, saturated to ±32767; the model has factors. */
void neighbors_scale(const neighbors_model *model, const int16_t *x, int16_t *y);

#endif
