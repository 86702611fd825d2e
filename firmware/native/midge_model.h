/* The border between a generated model (model.c, model_config.h) and whoever calls it: module glue, host library. */
#ifndef MIDGE_MODEL_H
#define MIDGE_MODEL_H

#include <stdint.h>

#include "model_config.h"

/* The end of a state belongs to the classifier, where it needs a place for its tensors. */
#ifndef MIDGE_ARENA_BYTES
#define MIDGE_ARENA_BYTES 0
#endif
/* Said where the model, and so the number of bytes, is not known yet. */
#ifndef MIDGE_HAS_ARENA
#define MIDGE_HAS_ARENA (MIDGE_ARENA_BYTES > 0)
#endif

#if defined(__GNUC__)
#define MIDGE_MODEL_API __attribute__((visibility("hidden")))
#else
#define MIDGE_MODEL_API
#endif

#if MIDGE_HAS_FRONTEND
/* Makes `state` (MIDGE_STATE_BYTES, aligned to 8 bytes) an empty window. */
MIDGE_MODEL_API void midge_frontend_init(void *state);

/* Takes samples of MIDGE_N_CHANNELS values each from `block`, at most up to the next hop.
 * Returns how many samples were taken, or -1 if `state` was never initialised for this model. */
MIDGE_MODEL_API int32_t midge_frontend_push(void *state, const int16_t *block, int32_t n_samples);

/* 1 while the state stands on a hop boundary with a full window, else 0; -1 if `state` was never initialised. */
MIDGE_MODEL_API int32_t midge_frontend_ready(const void *state);

/* Writes MIDGE_N_FEATURES features of the window; call it only while midge_frontend_ready() is 1, which it leaves. */
MIDGE_MODEL_API void midge_frontend_features(void *state, int16_t *features);
#endif

/* Writes MIDGE_N_SCORES scores (Q15, 32767 = 1.0); returns the index of the winner, the lowest at a tie. */
#if MIDGE_HAS_ARENA
/* `arena`: MIDGE_ARENA_BYTES, aligned to 8 bytes; `features` may lie in it, MIDGE_FEATURES_AT. */
MIDGE_MODEL_API int32_t midge_classify(const int16_t *features, int16_t *scores, void *arena);
#else
MIDGE_MODEL_API int32_t midge_classify(const int16_t *features, int16_t *scores);
#endif

#endif
