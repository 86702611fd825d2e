/* Layers of nets with time in them, on int8 tensors: rows of columns of channels, each value stored as int8 + 128.
 *
 * Tensors begin on words. Rounding between layers is in conv_scale.h. */
#ifndef CONV_H
#define CONV_H

#include <stddef.h>
#include <stdint.h>

/* What a channel's sum becomes: sum + bias, times a factor. The bias holds what offsets of values and weights add. */
typedef struct {
    int32_t bias;
    int16_t multiplier; /* upper half of the factor's 31 bits, */
    int16_t shift;      /* to the right after that, less 1 */
} conv_channel;

/* A layer with weights. Outside the input lies `outside`. */
typedef struct {
    int16_t height, width, channels;
    int16_t out_height, out_width, out_channels;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t top, left;  /* rows and columns outside, before the input */
    uint8_t outside;
    uint8_t zero;       /* of the output */
    uint8_t low, high;  /* that it is held within */
    uint8_t is_once;    /* factors are rounded once */
    const uint8_t *weights;
    const conv_channel *of;
    const uint16_t *lower; /* lower halves of the factors; NULL: all 0, and no shift is below 0 */
} conv_layer;

/* A pool. */
typedef struct {
    int16_t height, width, channels;
    int16_t out_height, out_width;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t top, left;
    uint8_t low, high;
} conv_pool;

/* A factor of 31 bits and its shift to the right; below 0: to the left, before. */
typedef struct {
    int32_t multiplier;
    int32_t shift;
} conv_factor;

/* The sum of two tensors: each less its zero, widened and times its factor; then times the third. */
typedef struct {
    uint8_t zeros[2];
    uint8_t zero;
    uint8_t low, high;
    conv_factor factors[3];
} conv_add;

/* Features into tensor 0: (feature * gain + bias) >> shift; n_columns gains and biases, again and again. */
typedef struct {
    const int16_t *gain;
    const int32_t *bias;
    int32_t n_columns;
    int32_t shift;
} conv_input;

void conv_features(const conv_input *input, const int16_t *features, int32_t n, uint8_t *x);

/* weights: [out_channels / 4][products / 4][4 channels][4 products], each int8 + 128, filled up with 0.
 * scratch: 5 times the products, filled up to fours (1 time for one place). */
void conv_int8(const conv_layer *layer, const uint8_t *x, uint8_t *y, void *scratch);

/* The same for one place, without a factor: what the verdict is made of. */
void conv_sums(const conv_layer *layer, const uint8_t *x, int32_t *sums, void *scratch);

/* weights: [channels / 4][taps][4 channels], int8. scratch: a pointer for each tap, and a value for each channel. */
void conv_depthwise_int8(const conv_layer *layer, const uint8_t *x, uint8_t *y, void *scratch);

void conv_average_int8(const conv_pool *pool, const uint8_t *x, uint8_t *y);
void conv_max_int8(const conv_pool *pool, const uint8_t *x, uint8_t *y);
void conv_add_int8(const conv_add *add, const uint8_t *a, const uint8_t *b, int32_t n, uint8_t *y);

/* The last layer's int8, less its zero, widened: sums for conv_scale_sums. */
void conv_widen_int8(const uint8_t *x, int32_t n, uint8_t zero, int32_t *sums);

/* sums[i] times factors[i] (or factors[0] where n_factors is 1) less `center`. */
void conv_scale_sums(int32_t *sums, int32_t n, const conv_factor *factors, int32_t n_factors, int32_t center);

#endif
