/* Features of many windows at once, on the host only: drives the very front end that a module has. */
#include "host.h"
#include "midge_model.h"

/* windows: n_windows x length x MIDGE_N_CHANNELS. state: MIDGE_STATE_BYTES. features: n_windows x MIDGE_N_FEATURES.
 * Returns 0, or -1 if a window did not fill the state. */
HOST_API int32_t host_features(const int16_t *windows, int32_t n_windows, int32_t length, void *state,
                               int16_t *features)
{
    for (int32_t w = 0; w < n_windows; w++) {
        midge_frontend_init(state);
        if (midge_frontend_push(state, windows, length) != length || midge_frontend_ready(state) != 1) {
            return -1;
        }
        midge_frontend_features(state, features);
        features += MIDGE_N_FEATURES;
        windows += length * MIDGE_N_CHANNELS;
    }
    return 0;
}
