/* Depthwise convolution: each channel has a kernel of its own. */
#include "conv.h"

#if defined(__ARM_FEATURE_DSP)
#include "conv_pairs.h"
#endif
#include "conv_steps.h"

/* Where each tap of the kernel lies at a place: in the input, or in `outside`. */
static void taps_find(const conv_layer *layer, const uint8_t *x, int32_t row, int32_t column, const uint8_t *outside,
                      const uint8_t **taps)
{
    const int32_t first = column * layer->stride_width - layer->left;

    row = row * layer->stride_height - layer->top;
    x += (row * layer->width + first) * layer->channels;
    for (const int32_t end = row + layer->kernel_height; row < end; row++) {
        const uint8_t *at = x;
        for (int32_t i = first; i < first + layer->kernel_width; i++) {
            const int32_t is_inside = row >= 0 && row < layer->height && i >= 0 && i < layer->width;
            *taps++ = is_inside ? at : outside;
            at += layer->channels;
        }
        x += layer->width * layer->channels;
    }
}

void conv_depthwise_int8(const conv_layer *layer, const uint8_t *x, uint8_t *y, void *scratch)
{
    const int32_t n_taps = layer->kernel_height * layer->kernel_width;
    const int32_t channels = layer->channels;
    const int32_t whole = channels & 3 ? 0 : channels;
    const uint8_t **const taps = scratch;
    uint8_t *const outside = (uint8_t *)(taps + n_taps);
    uint8_t *to = y;

    for (int32_t i = 0; i < channels; i++) {
        outside[i] = layer->outside;
    }
    for (int32_t row = 0; row < layer->out_height; row++) {
        for (int32_t column = 0; column < layer->out_width; column++) {
            const int8_t *weights = (const int8_t *)layer->weights;
            int32_t sums[CONV_CHUNK];

            taps_find(layer, x, row, column, outside, taps);
#if defined(__ARM_FEATURE_DSP)
            if (whole && conv_pairs_suit(layer)) {
                conv_taps_write(layer, taps, n_taps, to);
                to += channels;
                continue;
            }
#endif
            for (int32_t channel = 0; channel < whole; channel += CONV_CHUNK) {
                const int32_t end = channel + CONV_CHUNK < whole ? channel + CONV_CHUNK : whole;
                for (int32_t i = channel; i < end; i += 4) {
                    conv_four_taps(taps, weights, i, n_taps, sums + i - channel);
                    weights += 4 * n_taps;
                }
                conv_write(layer, channel, end - channel, sums, 0, to + channel);
            }
            /* Channels that don't come in fours may begin anywhere: byte by byte. */
            for (int32_t channel = whole; channel < channels; channel++) {
                const int8_t *const own = weights + (channel & ~3) * n_taps + (channel & 3);
                sums[0] = 0;
                for (int32_t i = 0; i < n_taps; i++) {
                    sums[0] += taps[i][channel] * own[4 * i];
                }
                conv_write(layer, channel, 1, sums, 0, to + channel);
            }
            to += channels;
        }
    }
    conv_limit(layer, y, layer->out_height * layer->out_width * channels);
}
