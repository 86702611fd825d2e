/* The sliding window of a front end, in the caller's state: samples in, one row a stored channel out. */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdint.h>

/* Source of a row that holds sqrt(c0^2 + c1^2 + c2^2) of the first three channels. */
#define WINDOW_MAGNITUDE 0xFFu
/* The same of channels 3 to 5: of a gyroscope behind an accelerometer. */
#define WINDOW_ROTATION 0xFEu

/* What a state looks like; constant for a model. */
typedef struct {
    uint32_t magic;             /* derived from the model: a state of another model is refused */
    int32_t length;             /* samples in the window */
    int32_t hop;                /* samples between two windows */
    int32_t n_channels;         /* int16 values of one sample */
    int32_t n_rows;             /* stored rows, `length` values each */
    const uint8_t *row_sources; /* of each row: channel, WINDOW_MAGNITUDE or WINDOW_ROTATION */
} window_shape;

/* Head of a state; the rows follow it. */
typedef struct {
    uint32_t magic;
    int32_t filled; /* samples in the window */
    int32_t skip;   /* samples to drop before the next goes in (hop > length) */
    int32_t unused; /* keeps the rows on 8 bytes */
} window_state;

/* Makes the window empty. */
void window_init(void *state, const window_shape *shape);

/* 1 if `state` was initialised with `shape` and is whole, else 0. */
int32_t window_check(const void *state, const window_shape *shape);

/* Takes samples up to the next full window at most; returns how many, or -1 if window_check() fails. */
int32_t window_push(void *state, const window_shape *shape, const int16_t *block, int32_t n_samples);

/* 1 while the window is full, 0 before, -1 if window_check() fails. */
int32_t window_ready(const void *state, const window_shape *shape);

/* First value of a row, oldest sample first. */
const int16_t *window_row(const void *state, const window_shape *shape, int32_t row);

#endif
