/* The sliding window of a sound front end, in the caller's state: samples in, levels of mel bands out.
 *
 * Each frame is analysed once, when its last sample comes; a window is the frames that lie in it as a whole. */
#ifndef SOUND_H
#define SOUND_H

#include <stdint.h>

#include "mel.h"

/* What a state looks like; constant for a model. */
typedef struct {
    uint32_t magic;    /* derived from the model: a state of another model is refused */
    int32_t length;    /* samples in the window */
    int32_t hop;       /* samples between two windows: so many steps of a frame */
    int32_t step;      /* samples between two frames, at most a frame */
    int32_t n_frames;  /* in the window */
    int32_t n_scratch; /* int16 values of scratch */
    const mel_analysis *analysis;
} sound_shape;

/* Head of a state; samples of the next frame (2^log2_n), scratch and frames (n_frames x n_bands) follow it. */
typedef struct {
    uint32_t magic;
    int32_t filled;   /* samples in the window */
    int32_t n_frames; /* frames in the window; below 0: so many that come began before it */
    int32_t waiting;  /* samples of the next frame */
} sound_state;

/* A stretch of frames. */
typedef struct {
    int32_t first;
    int32_t n;
} sound_span;

/* Makes the window empty. */
void sound_init(void *state, const sound_shape *shape);

/* Takes samples up to the next full window at most; returns how many, or -1 if the state is not one of `shape`. */
int32_t sound_push(void *state, const sound_shape *shape, const int16_t *block, int32_t n_samples);

/* 1 while the window is full, 0 before, -1 if the state is not one of `shape`. */
int32_t sound_ready(const void *state, const sound_shape *shape);

/* Levels, n_frames rows of n_bands; oldest frame first. */
int16_t *sound_frames(void *state, const sound_shape *shape);

/* n_scratch values that are free between two pushes. */
int16_t *sound_scratch(void *state, const sound_shape *shape);

#endif
