/* Depthwise convolution: each channel has a kernel of its own. */
#include "conv.h"

#include "conv_scale.h"
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

/* Four channels from `channel` on. */
static inline void four_sums(const uint8_t *const *tap, int32_t n_taps, int32_t channel, const int8_t *weights,
                             int32_t *sums)
{
    int32_t a = 0;
    int32_t b = 0;
    int32_t c = 0;
    int32_t d = 0;

    for (const uint8_t *const *const end = tap + n_taps; tap != end; weights += 4) {
        const uint8_t *const x = *tap++ + channel;
#if defined(__ARM_FEATURE_DSP)
        const uint32_t values = *(const uint32_t *)x;
        const uint32_t factors = *(const uint32_t *)weights;
        const uint32_t even = __builtin_arm_uxtb16(values);
        const uint32_t odd = __builtin_arm_uxtb16(values >> 8 | values << 24);
        const uint32_t even_factors = __builtin_arm_sxtb16(factors);
        const uint32_t odd_factors = __builtin_arm_sxtb16(factors >> 8 | factors << 24);
        a = __builtin_arm_smlabb((int32_t)even, (int32_t)even_factors, a);
        b = __builtin_arm_smlabb((int32_t)odd, (int32_t)odd_factors, b);
        c = __builtin_arm_smlatt((int32_t)even, (int32_t)even_factors, c);
        d = __builtin_arm_smlatt((int32_t)odd, (int32_t)odd_factors, d);
#else
        a += x[0] * weights[0];
        b += x[1] * weights[1];
        c += x[2] * weights[2];
        d += x[3] * weights[3];
#endif
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

void conv_depthwise_int8(const conv_layer *layer, const uint8_t *x, uint8_t *y, void *scratch)
{
    const int32_t n_taps = layer->kernel_height * layer->kernel_width;
    const int32_t channels = layer->channels;
    const int32_t whole = channels & 3 ? 0 : channels;
    const uint8_t **const taps = scratch;
    uint8_t *const outside = (uint8_t *)(taps + n_taps);

    for (int32_t i = 0; i < channels; i++) {
        outside[i] = layer->outside;
    }
    for (int32_t row = 0; row < layer->out_height; row++) {
        for (int32_t column = 0; column < layer->out_width; column++) {
            const int8_t *weights = (const int8_t *)layer->weights;
            int32_t sums[4];

            taps_find(layer, x, row, column, outside, taps);
            for (int32_t channel = 0; channel < whole; channel += 4) {
                four_sums(taps, n_taps, channel, weights, sums);
                conv_write(layer, channel, 4, sums, 0, y + channel);
                weights += 4 * n_taps;
            }
            /* Channels that don't come in fours may begin anywhere: byte by byte. */
            for (int32_t channel = whole; channel < channels; channel++) {
                const int8_t *const own = weights + (channel & ~3) * n_taps + (channel & 3);
                sums[0] = 0;
                for (int32_t i = 0; i < n_taps; i++) {
                    sums[0] += taps[i][channel] * own[4 * i];
                }
                conv_write(layer, channel, 1, sums, 0, y + channel);
            }
            y += channels;
        }
    }
}
