/* Inner loops of conv.c in plain C. */
#include "conv_steps.h"

#include "conv_scale.h"

int32_t conv_total(const uint8_t *x, int32_t n)
{
    int32_t total = 0;

    for (const uint8_t *const end = x + n; x != end; x += 4) {
        total += x[0] + x[1] + x[2] + x[3];
    }
    return total;
}

#if !CONV_IS_THUMB1

void conv_four_sums(const uint8_t *x, const uint8_t *weights, int32_t n, int32_t *sums)
{
    int32_t a = 0;
    int32_t b = 0;
    int32_t c = 0;
    int32_t d = 0;

    for (const uint8_t *const end = x + n; x != end; x += 4) {
        a += x[0] * weights[0] + x[1] * weights[1] + x[2] * weights[2] + x[3] * weights[3];
        b += x[0] * weights[4] + x[1] * weights[5] + x[2] * weights[6] + x[3] * weights[7];
        c += x[0] * weights[8] + x[1] * weights[9] + x[2] * weights[10] + x[3] * weights[11];
        d += x[0] * weights[12] + x[1] * weights[13] + x[2] * weights[14] + x[3] * weights[15];
        weights += 16;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

void conv_write_narrow(const conv_channel *of, const int32_t *sums, uint8_t *y, const conv_narrow *by)
{
    for (; y != by->end; of++) {
#if defined(__ARM_FEATURE_DSP)
        /* Twice the sum times the multiplier in the upper half: see scale_high. */
        const int32_t high = scale_high(*sums++ + of->bias + by->offset, of->multiplier * 65536);
        const int32_t twice = ((high + (high >> 31)) >> of->shift) + by->zero;
        *y++ = (uint8_t)__builtin_arm_usat(twice >> 1, 8);
#else
        const int32_t high = scale_high_narrow(*sums++ + of->bias + by->offset, of->multiplier);
        const int32_t twice = ((high + (high >> 31)) >> of->shift) + by->zero;
        *y++ = value_limit(twice >> 1, 0, 255);
#endif
    }
}

#if !defined(__ARM_FEATURE_DSP)

void conv_four_taps(const uint8_t *const *taps, const int8_t *weights, int32_t channel, int32_t n_taps,
                    int32_t *sums)
{
    int32_t a = 0;
    int32_t b = 0;
    int32_t c = 0;
    int32_t d = 0;

    for (const uint8_t *const *const end = taps + n_taps; taps != end; weights += 4) {
        const uint8_t *const x = *taps++ + channel;
        a += x[0] * weights[0];
        b += x[1] * weights[1];
        c += x[2] * weights[2];
        d += x[3] * weights[3];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

#endif

#endif
