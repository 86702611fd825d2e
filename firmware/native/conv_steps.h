/* Inner loops of conv.c. */
#ifndef CONV_STEPS_H
#define CONV_STEPS_H

#include <stdint.h>

#include "conv.h"

/* ARMv6-M: Thumb without the 32-bit instructions. */
#if defined(__thumb__) && !defined(__thumb2__)
#define CONV_IS_THUMB1 1
#else
#define CONV_IS_THUMB1 0
#endif

/* Sums that are made before any is written; a multiple of four. */
enum { CONV_CHUNK = 16 };

/* Sums of four channels: n products, a multiple of four above 0. */
void conv_four_sums(const uint8_t *x, const uint8_t *weights, int32_t n, int32_t *sums);

/* Sum of n values, a multiple of four. */
int32_t conv_total(const uint8_t *x, int32_t n);

/* Sums, with their biases, as int8 + 128 of `n` channels from `channel` on; not yet held within low and high. */
void conv_write(const conv_layer *layer, int32_t channel, int32_t n, const int32_t *sums, int32_t offset, uint8_t *y);

/* The same for factors of 15 bits. */
typedef struct {
    int32_t offset;   /* that is added to every sum */
    int32_t zero;     /* twice the zero of what is written, and 1 */
    const uint8_t *end;
} conv_narrow;

void conv_write_narrow(const conv_channel *of, const int32_t *sums, uint8_t *y, const conv_narrow *by);

/* Holds n values within the layer's low and high, where these are not all of 0…255. */
void conv_limit(const conv_layer *layer, uint8_t *y, int32_t n);

/* Sums of four channels from `channel` on: weights of taps times values that lie where `taps` say. */
void conv_four_taps(const uint8_t *const *taps, const int8_t *weights, int32_t channel, int32_t n_taps,
                    int32_t *sums);

/* What the kernel sees at a place: kernel_height * kernel_width * channels values, filled up to fours with 0. */
void conv_gather(const conv_layer *layer, const uint8_t *x, int32_t row, int32_t column, uint8_t *patch);

/* Whether the kernel sees one run of whole words at each place, so that nothing has to be gathered. */
static inline int32_t conv_is_direct(const conv_layer *layer)
{
    return layer->kernel_height == 1 && layer->kernel_width == 1 && (layer->channels & 3) == 0;
}

static inline int32_t conv_products(const conv_layer *layer)
{
    return (layer->kernel_height * layer->kernel_width * layer->channels + 3) & ~3;
}

#endif
