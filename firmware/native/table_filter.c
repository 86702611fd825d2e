/* A front end for motion that is tables, with filters in front. */
#include "table_model.h"

static filter_state *state_of(void *state)
{
    return (filter_state *)((uint8_t *)state + midge_frontend.filter_at);
}

void filter_table_init(void *state)
{
    window_init(state, midge_frontend.shape);
    filter_init(state_of(state));
}

int32_t filter_table_push(void *state, const int16_t *block, int32_t n_samples)
{
    return filter_push(state, midge_frontend.shape, state_of(state), midge_frontend.filters, midge_frontend.n_filters,
                       block, n_samples);
}
