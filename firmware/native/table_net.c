/* Nets that are tables: layer after layer; no layer is wider than TABLE_ROOM. */
#include "table_model.h"

void net_table_sums(const void *model, const int16_t *x, int32_t *sums)
{
    const table_net *const net = model;
    int16_t hidden[TABLE_ROOM] __attribute__((aligned(4)));

    for (int32_t i = 0; i < net->n_layers; i++) {
        const table_layer *const layer = &net->layers[i];

        layer->dense(x, layer->weights, layer->multipliers, layer->bias, layer->n_in, layer->n_out, sums);
        if (i + 1 < net->n_layers) {
            for (int32_t j = 0; j < layer->n_out; j++) {
                hidden[j] = layer->activation(sums[j], layer->shift);
            }
            x = hidden;
        }
    }
}
