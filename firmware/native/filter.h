/* Second-order filters in front of a window: samples are filtered as they come. */
#ifndef FILTER_H
#define FILTER_H

#include <stdint.h>

#include "window.h"

/* Most channels of a sample. */
#define FILTER_CHANNELS 6

/* y = b0 x + b1 x1 + b2 x2 - a1 y1 - a2 y2; coefficients in Q28. */
typedef struct {
    int32_t b0;
    int32_t b1;
    int32_t b2;
    int32_t a1;
    int32_t a2;
    int32_t passes_rest; /* 1 if what never changes comes through (low-pass), 0 if not (high-pass) */
} filter_section;

/* Of one section and channel: the last two inputs and outputs, with 12 bits below the LSB. */
typedef struct {
    int32_t x1;
    int32_t x2;
    int32_t y1;
    int32_t y2;
} filter_memory;

/* What is remembered between samples, n_sections x n_channels memories. */
typedef struct {
    int32_t is_primed; /* 0: the next sample is taken to have been there for ever */
    int32_t unused;
    filter_memory memory[];
} filter_state;

/* Forgets all samples. */
void filter_init(filter_state *state);

/* One sample of n_channels through n_sections in turn. */
void filter_sample(filter_state *state, const filter_section *sections, int32_t n_sections, const int16_t *sample,
                   int32_t n_channels, int16_t *filtered);

/* As window_push(), of filtered samples. */
int32_t filter_push(void *window, const window_shape *shape, filter_state *state, const filter_section *sections,
                    int32_t n_sections, const int16_t *block, int32_t n_samples);

#endif
