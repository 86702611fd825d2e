/* A compiled model as a Python module: checks every argument, then calls the model's C. */
#include "mp_model.h"

#include "midge_model.h"

/* Features on the stack; more than there are where the model is not known yet. */
#ifndef MIDGE_ROOM
#define MIDGE_ROOM MIDGE_N_FEATURES
#endif

static int16_t *features_get(const mp_function_t *self, mp_obj_t object, int flags)
{
    int16_t *features;
    if (int16_array_get(self, object, flags, &features, "features must be array('h')") != MIDGE_N_FEATURES) {
        value_error_raise(self, "features must hold N_FEATURES values");
    }
    return features;
}

static int16_t *scores_get(const mp_function_t *self, mp_obj_t object)
{
    int16_t *scores;
    if (int16_array_get(self, object, MP_BUFFER_WRITE, &scores, "scores must be a writable array('h')") !=
        MIDGE_N_SCORES) {
        value_error_raise(self, "scores must hold N_SCORES values");
    }
    return scores;
}

#if MIDGE_HAS_FRONTEND || MIDGE_HAS_ARENA

enum { STATE_ALIGNMENT_BYTES = 8 };

static void *state_get(const mp_function_t *self, mp_obj_t object)
{
    mp_buffer_t buffer;
    if (!mp_buffer_get(object, &buffer, MP_BUFFER_WRITE)) {
        type_error_raise(self, "state must be a writable buffer");
    }
    if (buffer.length_bytes < MIDGE_STATE_BYTES) {
        value_error_raise(self, "state must hold STATE_BYTES bytes");
    }
    if ((uintptr_t)buffer.start % STATE_ALIGNMENT_BYTES != 0) {
        value_error_raise(self, "state must start on an 8-byte boundary");
    }
    return buffer.start;
}

#endif

#if MIDGE_HAS_ARENA

static uint8_t *arena_of(void *state)
{
    return (uint8_t *)state + MIDGE_STATE_BYTES - MIDGE_ARENA_BYTES;
}

mp_obj_t model_classify(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    const int16_t *features = features_get(self, args[0], MP_BUFFER_READ);
    int16_t *scores = scores_get(self, args[1]);
    if (n_args < 3) {
        type_error_raise(self, "this model needs its state: classify(features, scores, state)");
    }
    return mp_int(midge_classify(features, scores, arena_of(state_get(self, args[2]))));
}

#else

mp_obj_t model_classify(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    const int16_t *features = features_get(self, args[0], MP_BUFFER_READ);
    return mp_int(midge_classify(features, scores_get(self, args[1])));
}

#endif

mp_obj_t model_info(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)self;
    (void)n_args;
    (void)args;
#if defined(MIDGE_INFO_JSON)
    static const char info[] = MIDGE_INFO_JSON;
    return mp_string(info, sizeof info - 1);
#else
    return mp_string(MIDGE_INFO, MIDGE_INFO_BYTES);
#endif
}

#if MIDGE_HAS_FRONTEND

static _Noreturn void uninitialised_raise(const mp_function_t *self)
{
    value_error_raise(self, "state is not initialised: call init(state)");
}

static bool frontend_is_ready(const mp_function_t *self, const void *state)
{
    const int32_t ready = midge_frontend_ready(state);
    if (ready < 0) {
        uninitialised_raise(self);
    }
    return ready != 0;
}

static void *ready_state_get(const mp_function_t *self, mp_obj_t object)
{
    void *state = state_get(self, object);
    if (!frontend_is_ready(self, state)) {
        value_error_raise(self, "no full window yet: push until ready(state)");
    }
    return state;
}

mp_obj_t model_init(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    midge_frontend_init(state_get(self, args[0]));
    return mp_none();
}

mp_obj_t model_push(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    static const char message[] = "start and stop must be 0 <= start <= stop <= samples in block";
    void *state = state_get(self, args[0]);
    int16_t *block;
    const size_t n_values = int16_array_get(self, args[1], MP_BUFFER_READ, &block, "block must be array('h')");
    if (n_values % MIDGE_N_CHANNELS != 0) {
        value_error_raise(self, "block must hold whole samples: a multiple of the channels");
    }
    int32_t stop = (int32_t)(n_values / MIDGE_N_CHANNELS);
    if (n_args > 3) {
        stop = int_get_within(self, args[3], 0, stop, message);
    }
    const int32_t start = n_args > 2 ? int_get_within(self, args[2], 0, stop, message) : 0;
    const int32_t consumed = midge_frontend_push(state, block + start * MIDGE_N_CHANNELS, stop - start);
    if (consumed < 0) {
        uninitialised_raise(self);
    }
    return mp_int(consumed);
}

mp_obj_t model_ready(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    return mp_bool(frontend_is_ready(self, state_get(self, args[0])));
}

mp_obj_t model_features(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    void *state = ready_state_get(self, args[0]);
    midge_frontend_features(state, features_get(self, args[1], MP_BUFFER_WRITE));
    return mp_none();
}

mp_obj_t model_predict(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    void *state = ready_state_get(self, args[0]);
    int16_t *scores = scores_get(self, args[1]);
#if MIDGE_HAS_ARENA
    uint8_t *arena = arena_of(state);
    int16_t *features = (int16_t *)(arena + MIDGE_FEATURES_AT);
    midge_frontend_features(state, features);
    return mp_int(midge_classify(features, scores, arena));
#else
    int16_t features[MIDGE_ROOM];
    midge_frontend_features(state, features);
    return mp_int(midge_classify(features, scores));
#endif
}

#else

static _Noreturn void frontend_missing_raise(const mp_function_t *self)
{
    value_error_raise(self, "no front end");
}

mp_obj_t model_init(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    (void)args;
    frontend_missing_raise(self);
}

mp_obj_t model_push(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    (void)args;
    frontend_missing_raise(self);
}

mp_obj_t model_ready(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    (void)args;
    frontend_missing_raise(self);
}

mp_obj_t model_features(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    (void)args;
    frontend_missing_raise(self);
}

mp_obj_t model_predict(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    (void)args;
    frontend_missing_raise(self);
}

#endif
