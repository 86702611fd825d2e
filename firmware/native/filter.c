/* Second-order filters in front of a window: see filter.h. */
#include "filter.h"

enum { COEFFICIENT_BITS = 28, BELOW_BITS = 12 };

void filter_init(filter_state *state)
{
    state->is_primed = 0;
    state->unused = 0;
}

static int32_t section_step(const filter_section *by, filter_memory *of, int32_t x)
{
    /* Each product is below 2^29 * 2^29. */
    const int64_t sum = (int64_t)by->b0 * x + (int64_t)by->b1 * of->x1 + (int64_t)by->b2 * of->x2 -
                        (int64_t)by->a1 * of->y1 - (int64_t)by->a2 * of->y2;
    const int64_t y = (sum + ((int64_t)1 << (COEFFICIENT_BITS - 1))) >> COEFFICIENT_BITS;

    of->x2 = of->x1;
    of->x1 = x;
    of->y2 = of->y1;
    of->y1 = (int32_t)y;
    return of->y1;
}

void filter_sample(filter_state *state, const filter_section *sections, int32_t n_sections, const int16_t *sample,
                   int32_t n_channels, int16_t *filtered)
{
    filter_memory *memory = state->memory;

    for (int32_t channel = 0; channel < n_channels; channel++) {
        int32_t value = (int32_t)sample[channel] * (1 << BELOW_BITS);
        for (int32_t section = 0; section < n_sections; section++, memory++) {
            if (!state->is_primed) {
                memory->x1 = memory->x2 = value;
                memory->y1 = memory->y2 = sections[section].passes_rest ? value : 0;
            }
            value = section_step(sections + section, memory, value);
        }
        value = (value + (1 << (BELOW_BITS - 1))) >> BELOW_BITS;
        filtered[channel] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    state->is_primed = 1;
}

int32_t filter_push(void *window, const window_shape *shape, filter_state *state, const filter_section *sections,
                    int32_t n_sections, const int16_t *block, int32_t n_samples)
{
    int16_t filtered[FILTER_CHANNELS];
    int32_t taken = 0;

    if (!window_check(window, shape)) {
        return -1;
    }
    while (taken < n_samples) {
        filter_sample(state, sections, n_sections, block + taken * shape->n_channels, shape->n_channels, filtered);
        window_push(window, shape, filtered, 1);
        taken++;
        if (window_ready(window, shape)) {
            break;
        }
    }
    return taken;
}
