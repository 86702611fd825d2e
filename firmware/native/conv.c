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

    if (layer->lower == NULL) {
        const conv_narrow by = {offset, 2 * layer->zero + 1, y + n};
        conv_write_narrow(of, sums, y, &by);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t multiplier = of[i].multiplier * 65536 + layer->lower[channel + i];
        const int32_t sum = sums[i] + of[i].bias + offset;
        const int32_t value = layer->is_once ? scale_once(sum, multiplier, of[i].shift + 1)
                                             : scale_any(sum, multiplier, of[i].shift + 1);
        y[i] = value_limit(value + layer->zero, 0, 255);
    }
}

void conv_limit(const conv_layer *layer, uint8_t *y, int32_t n)
{
    if (layer->low == 0 && layer->high == 255) {
        return;
    }
    for (const uint8_t *const end = y + n; y != end; y++) {
        *y = value_limit(*y, layer->low, layer->high);
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

    for (int32_t channel = 0; channel < layer->out_channels; channel += CONV_CHUNK) {
        const int32_t left = layer->out_channels - channel;
        const int32_t n_sums = left < CONV_CHUNK ? left : CONV_CHUNK;
        int32_t sums[CONV_CHUNK];

        for (int32_t i = 0; i < n_sums; i += 4) {
            conv_four_sums(x, weights, n, sums + i);
            weights += 4 * n;
        }
        conv_write(layer, channel, n_sums, sums, offset, y + channel);
    }
}

#if defined(__ARM_FEATURE_DSP)
#include "conv_pairs.h"
#endif

void conv_int8(const conv_layer *layer, const uint8_t *x, uint8_t *y, void *scratch)
{
    const int32_t is_direct = conv_is_direct(layer);
    const int32_t n_places = layer->out_height * layer->out_width;
    uint8_t *to = y;
    int32_t row = 0;
    int32_t column = 0;

#if defined(__ARM_FEATURE_DSP)
    conv_pairs pairs = {.values = scratch, .n = conv_products(layer)};
    /* The last place of an odd number is on its own. */
    const int32_t n_paired = conv_pairs_suit(layer) ? n_places & ~1 : 0;
    uint8_t *const patch = (uint8_t *)scratch + (n_places > 1 ? 4 * pairs.n : 0);
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
        if (place < n_paired) {
            conv_pairs_add(&pairs, seen);
            if (pairs.n_waiting == 2) {
                conv_pairs_write(layer, &pairs, to);
                to += 2 * layer->out_channels;
            }
        } else
#endif
        {
            place_write(layer, seen, to);
            to += layer->out_channels;
        }
        if (++column == layer->out_width) {
            column = 0;
            row++;
        }
    }
    conv_limit(layer, y, n_places * layer->out_channels);
}
