/* Two places at a time for DSP instructions: each weight that is unpacked is used twice. */
#ifndef CONV_PAIRS_H
#define CONV_PAIRS_H

#include "conv.h"

/* What the kernel sees at two places, in 16 bits: of four products the even and the odd ones of the first place, then of
 * the second. */
typedef struct {
    uint32_t *values;
    int32_t n; /* products, a multiple of four */
    int32_t n_waiting;
    int32_t offsets[2]; /* what the weights' offset adds to the sums */
} conv_pairs;

/* Whether the layer can be written so: channels in twos, factors of 15 bits. */
int32_t conv_pairs_suit(const conv_layer *layer);

/* All channels of a depthwise layer at one place, whose taps lie where `taps` say; channels in fours. */
void conv_taps_write(const conv_layer *layer, const uint8_t *const *taps, int32_t n_taps, uint8_t *y);

/* Another place. */
void conv_pairs_add(conv_pairs *pairs, const uint8_t *x);

/* Writes both places, and forgets them. */
void conv_pairs_write(const conv_layer *layer, conv_pairs *pairs, uint8_t *y);

#endif
