/* Nets with time in them that are tables: layer after layer in the arena, then the verdict of at most TABLE_ROOM sums. */
#include "table_model.h"

typedef void (*weighted_function)(const void *layer, const uint8_t *from, void *to, void *scratch);
typedef void (*pool_function)(const void *pool, const uint8_t *from, uint8_t *to);
typedef void (*add_function)(const void *add, const uint8_t *a, const uint8_t *b, int32_t n, uint8_t *to);

static void step_run(const table_conv_step *step, uint8_t *arena, int32_t *sums)
{
    const uint8_t *const from = arena + step->from;
    uint8_t *const to = arena + step->to;

    switch (step->form) {
    case TABLE_WEIGHTED:
        ((weighted_function)step->function)(step->layer, from, to, arena + step->scratch);
        break;
    case TABLE_SUMS:
        ((weighted_function)step->function)(step->layer, from, sums, arena + step->scratch);
        break;
    case TABLE_POOL:
        ((pool_function)step->function)(step->layer, from, to);
        break;
    case TABLE_ADD:
        ((add_function)step->function)(step->layer, from, arena + step->other, step->n, to);
        break;
    default:
        conv_widen_int8(from, step->n, (uint8_t)midge_conv.zero, sums);
    }
}

int32_t conv_table_judge(const int16_t *x, int16_t *scores, void *state)
{
    const table_conv *const net = &midge_conv;
    int32_t sums[TABLE_ROOM];
    uint32_t exponents[TABLE_ROOM];
    uint8_t votes[TABLE_ROOM];
    int32_t winner;

    conv_features(net->input, x, net->n_features, (uint8_t *)state + net->first);
    for (int32_t i = 0; i < net->n_steps; i++) {
        step_run(&net->steps[i], state, sums);
    }
    conv_scale_sums(sums, net->n_values, net->last, net->n_last, net->center);
    winner = midge_judged.winner(&midge_judged, sums, votes);
    midge_judged.scores(&midge_judged, sums, winner, votes, exponents, scores);
    return winner;
}
