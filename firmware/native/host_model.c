/* A model's own C over many rows or samples, on the host only. */
#include "host.h"
#include "midge_model.h"

/* features: n_rows x MIDGE_N_FEATURES. scores: n_rows x MIDGE_N_SCORES. winners: n_rows. */
HOST_API void host_classify(const int16_t *features, int32_t n_rows, int16_t *scores, int32_t *winners)
{
#if MIDGE_ARENA_BYTES
    static uint64_t arena[(MIDGE_ARENA_BYTES + 7) / 8];
#endif

    for (int32_t row = 0; row < n_rows; row++) {
#if MIDGE_ARENA_BYTES
        winners[row] = midge_classify(features, scores, arena);
#else
        winners[row] = midge_classify(features, scores);
#endif
        features += MIDGE_N_FEATURES;
        scores += MIDGE_N_SCORES;
    }
}

#if MIDGE_HAS_FRONTEND
/* Feeds samples through the front end; writes the features of every window that gets ready, n_windows at most.
 * Returns how many windows got ready, or -1 if the state was not initialised. */
HOST_API int32_t host_stream(void *state, const int16_t *samples, int32_t n_samples, int16_t *features,
                             int32_t n_windows)
{
    int32_t ready = 0;

    while (n_samples > 0) {
        int32_t taken = midge_frontend_push(state, samples, n_samples);
        if (taken < 0) {
            return -1;
        }
        samples += taken * MIDGE_N_CHANNELS;
        n_samples -= taken;
        if (midge_frontend_ready(state) == 1 && ready < n_windows) {
            midge_frontend_features(state, features);
            features += MIDGE_N_FEATURES;
            ready++;
        }
    }
    return ready;
}

HOST_API void host_init(void *state)
{
    midge_frontend_init(state);
}
#endif
