/* A whole stretch through the filters in front of a window, on the host only: as they run on a board's stream. */
#include "filter.h"
#include "host.h"

/* samples, filtered: n_samples x n_channels. state: room for a filter_state with its memories. */
HOST_API void host_filter(const filter_section *sections, int32_t n_sections, const int16_t *samples,
                          int32_t n_samples, int32_t n_channels, filter_state *state, int16_t *filtered)
{
    filter_init(state);
    for (int32_t row = 0; row < n_samples; row++) {
        filter_sample(state, sections, n_sections, samples, n_channels, filtered);
        samples += n_channels;
        filtered += n_channels;
    }
}
