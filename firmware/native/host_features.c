/* Features of many windows at once, on the host only: drives the very kernels that a module calls. */
#include "host.h"
#include "window.h"
#include "host_statistics.h" /* generated from midge/features.py: STATISTICS[] */

/* windows: n_windows x shape->length x n_channels. plan: n_features x {row, first sample, samples, statistic}.
 * state: room for one window. features: n_windows x n_features. Returns 0, or -1 on an impossible plan. */
HOST_API int32_t host_features(const int16_t *windows, int32_t n_windows, const window_shape *shape,
                               const int32_t *plan, int32_t n_features, void *state, int16_t *features)
{
    const int32_t n_statistics = (int32_t)(sizeof STATISTICS / sizeof STATISTICS[0]);

    for (int32_t f = 0; f < n_features; f++) {
        const int32_t *step = plan + 4 * f;
        if (step[0] < 0 || step[0] >= shape->n_rows || step[1] < 0 || step[2] < 1 ||
            step[1] + step[2] > shape->length || step[3] < 0 || step[3] >= n_statistics) {
            return -1;
        }
    }
    for (int32_t w = 0; w < n_windows; w++) {
        window_init(state, shape);
        if (window_push(state, shape, windows, shape->length) != shape->length) {
            return -1;
        }
        for (int32_t f = 0; f < n_features; f++) {
            const int32_t *step = plan + 4 * f;
            *features++ = STATISTICS[step[3]](window_row(state, shape, step[0]) + step[1], step[2]);
        }
        windows += shape->length * shape->n_channels;
    }
    return 0;
}
