/* Convolution and dense layers: places one by one, channels in fours. The DSP form takes places in pairs. */
#include "conv.h"

#include <string.h>

#include "conv_scale.h"
#include "conv_steps.h"

void conv_gather(const conv_layer *layer, const uint8_t *x, int32_t row, int32_t column, uint8_t *patch)
{
    const int32_t n = layer->kernel_width * layer->channels;
    const int32_t first = column * layer->stride_width - layer->left;
    int32_t before = first < 0 ? -first : 0;
    int32_t after = first + layer->kernel_width - layer->width;

    before = (before < layer->kernel_width ? before : layer->kernel_width) * layer->channels;
    after = (after > 0 ? after : 0) * layer->channels;
    if (before + after > n) {
        after = n - before;
    }
    row = row * layer->stride_height - layer->top;
    x += (row * layer->width + first) * layer->channels;
    for (int32_t i = 0; i < layer->kernel_height; i++, row++) {
        if (row < 0 || row >= layer->height) {
            memset(patch, layer->outside, (size_t)n);
        } else {
            memset(patch, layer->outside, (size_t)before);
            memcpy(patch + before, x + before, (size_t)(n - before - after));
            memset(patch + n - after, layer->outside, (size_t)after);
        }
        patch += n;
        x += layer->width * layer->channels;
    }
    for (int32_t i = layer->kernel_height * n; i & 3; i++) {
        *patch++ = 0;
    }
}

void conv_write(const conv_layer *layer, int32_t channel, int32_t n, const int32_t *sums, int32_t offset, uint8_t *y)
{
    const conv_channel *of = layer->of + channel;
    const int32_t low = layer->low;
    const int32_t high = layer->high;
    const int32_t zero = layer->zero;

    if (layer->lower == NULL) {
        for (const conv_channel *const end = of + n; of != end; of++) {
            const int32_t part = scale_high_narrow(*sums++ + of->bias + offset, of->multiplier);
            *y++ = value_limit((shift_half(part, of->shift) + 2 * zero) >> 1, low, high);
        }
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t multiplier = of[i].multiplier * 65536 + layer->lower[channel + i];
        y[i] = value_limit(scale_any(sums[i] + of[i].bias + offset, multiplier, of[i].shift) + zero, low, high);
    }
}

void conv_sums(const conv_layer *layer, const uint8_t *x, int32_t *sums, void *scratch)
{
    const int32_t n = conv_products(layer);
    const uint8_t *weights = layer->weights;
    const conv_channel *of = layer->of;

    if (!conv_is_direct(layer)) {
        conv_gather(layer, x, 0, 0, scratch);
        x = scratch;
    }
    const int32_t offset = -128 * conv_total(x, n);
    for (int32_t left = layer->out_channels; left > 0; left -= 4) {
        int32_t four[4];
        conv_four_sums(x, weights, n, four);
        for (int32_t i = 0; i < 4 && i < left; i++) {
            *sums++ = four[i] + of++->bias + offset;
        }
        weights += 4 * n;
    }
}

/* One place after the other. */
static void place_write(const conv_layer *layer, const uint8_t *x, uint8_t *y)
{
    const int32_t n = conv_products(layer);
    const int32_t offset = -128 * conv_total(x, n);
    const uint8_t *weights = layer->weights;

    for (int32_t channel = 0; channel < layer->out_channels; channel += 4) {
        const int32_t left = layer->out_channels - channel;
        int32_t sums[4];
        conv_four_sums(x, weights, n, sums);
        conv_write(layer, channel, left < 4 ? left : 4, sums, offset, y + channel);
        weights += 4 * n;
    }
}

#if defined(__ARM_FEATURE_DSP)
#include "conv_pairs.h"
#endif

void conv_int8(const conv_layer *layer, const uint8_t *x, uint8_t *y, void *scratch)
{
    const int32_t is_direct = conv_is_direct(layer);
    const int32_t n_places = layer->out_height * layer->out_width;
    int32_t row = 0;
    int32_t column = 0;

#if defined(__ARM_FEATURE_DSP)
    conv_pairs patches = {scratch, conv_products(layer), 0, {0, 0}};
    uint8_t *const patch = (uint8_t *)scratch + 4 * patches.n;
#else
    uint8_t *const patch = scratch;
#endif
    for (int32_t place = 0; place < n_places; place++) {
        const uint8_t *seen = patch;
        if (is_direct) {
            seen = x + (row * layer->stride_height * layer->width + column * layer->stride_width) * layer->channels;
        } else {
            conv_gather(layer, x, row, column, patch);
        }
#if defined(__ARM_FEATURE_DSP)
        if (patches.n_waiting == 1 || place + 1 < n_places) {
            conv_pairs_add(&patches, seen);
            if (patches.n_waiting == 2) {
                conv_pairs_write(layer, &patches, y);
                y += 2 * layer->out_channels;
            }
        } else
#endif
        {
            place_write(layer, seen, y);
            y += layer->out_channels;
        }
        if (++column == layer->out_width) {
            column = 0;
            row++;
        }
    }
}
