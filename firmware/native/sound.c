/* The sliding window of a sound front end: see sound.h. */
#include "sound.h"

#include <string.h>

static int32_t frame_samples(const sound_shape *shape)
{
    return 1 << shape->analysis->log2_n;
}

static int16_t *sound_samples(void *state)
{
    return (int16_t *)((sound_state *)state + 1);
}

int16_t *sound_scratch(void *state, const sound_shape *shape)
{
    return sound_samples(state) + frame_samples(shape);
}

int16_t *sound_frames(void *state, const sound_shape *shape)
{
    return sound_scratch(state, shape) + shape->n_scratch;
}

void sound_init(void *state, const sound_shape *shape)
{
    sound_state *head = state;

    head->magic = shape->magic;
    head->filled = 0;
    head->n_frames = 0;
    head->waiting = 0;
}

static int32_t sound_check(const void *state, const sound_shape *shape)
{
    const sound_state *head = state;

    return head->magic == shape->magic && head->filled >= 0 && head->filled <= shape->length &&
           head->n_frames >= -(shape->hop / shape->step) && head->n_frames <= shape->n_frames &&
           head->waiting >= 0 && head->waiting < frame_samples(shape);
}

int32_t sound_ready(const void *state, const sound_shape *shape)
{
    if (!sound_check(state, shape)) {
        return -1;
    }
    return ((const sound_state *)state)->filled == shape->length;
}

/* Drops the oldest frames, one hop of them. */
static void sound_advance(sound_state *head, const sound_shape *shape)
{
    const int32_t n_bands = shape->analysis->n_bands;
    const int32_t gone = shape->hop / shape->step;
    const int32_t kept = head->n_frames - gone;
    int16_t *frames = sound_frames(head, shape);

    if (kept > 0) {
        memmove(frames, frames + gone * n_bands, (size_t)(kept * n_bands) * sizeof(int16_t));
    }
    head->n_frames = kept;
    head->filled -= shape->hop;
}

/* The frame whose last sample has come. */
static void sound_analyse(sound_state *head, const sound_shape *shape)
{
    const int32_t n = frame_samples(shape);
    int16_t *samples = sound_samples(head);
    int16_t *frames = sound_frames(head, shape);

    /* Below 0: it began before the window. */
    if (head->n_frames >= 0) {
        mel_levels(shape->analysis, samples, sound_scratch(head, shape),
                   frames + head->n_frames * shape->analysis->n_bands);
    }
    head->n_frames++;
    head->waiting = n - shape->step;
    memmove(samples, samples + shape->step, (size_t)head->waiting * sizeof(int16_t));
}

int32_t sound_push(void *state, const sound_shape *shape, const int16_t *block, int32_t n_samples)
{
    sound_state *head = state;
    const int32_t n = frame_samples(shape);
    int32_t taken;

    if (!sound_check(state, shape)) {
        return -1;
    }
    if (n_samples <= 0) {
        return 0;
    }
    if (head->filled == shape->length) {
        sound_advance(head, shape);
    }
    taken = shape->length - head->filled;
    if (n_samples < taken) {
        taken = n_samples;
    }
    head->filled += taken;
    for (int32_t left = taken; left > 0;) {
        int32_t part = n - head->waiting;
        if (left < part) {
            part = left;
        }
        memcpy(sound_samples(head) + head->waiting, block, (size_t)part * sizeof(int16_t));
        head->waiting += part;
        block += part;
        left -= part;
        if (head->waiting == n) {
            sound_analyse(head, shape);
        }
    }
    return taken;
}
