/* One-bit sound → samples: see pdm.h. The cascade is that of Hogenauer (1981), its integrators a byte at a time:
 * four boxcars of eight bits, which are tables of bytes, and then four integrators of bytes. */
#include "pdm.h"

enum { BYTE_BITS = 8, BOXCARS_LENGTH = PDM_ORDER * (BYTE_BITS - 1) + 1 };

/* weights: of the latest bit, the one before it …; the boxcars of eight, one after the other. */
static void weights_fill(uint16_t *weights)
{
    for (int32_t i = 0; i < PDM_ORDER * BYTE_BITS; i++) {
        weights[i] = i == 0;
    }
    for (int32_t order = 0; order < PDM_ORDER; order++) {
        /* From the end, so that what is added is still that of before. */
        for (int32_t i = BOXCARS_LENGTH - 1; i >= 0; i--) {
            for (int32_t back = 1; back < BYTE_BITS && back <= i; back++) {
                weights[i] = (uint16_t)(weights[i] + weights[i - back]);
            }
        }
    }
}

static void filter_begin(pdm_filter *filter)
{
    uint16_t weights[PDM_ORDER * BYTE_BITS];

    weights_fill(weights);
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t adds[PDM_ORDER] = {0};
        for (int32_t bit = 0; bit < BYTE_BITS; bit++) {
            for (int32_t later = 0; later < PDM_ORDER && byte >> bit & 1; later++) {
                adds[later] += weights[BYTE_BITS * later + BYTE_BITS - 1 - bit];
            }
        }
        filter->of_byte[byte][0] = adds[0] | adds[1] << 16;
        filter->of_byte[byte][1] = adds[2] | adds[3] << 16;
    }
    for (int32_t order = 0; order < PDM_ORDER; order++) {
        filter->sums[order] = filter->before[order] = 0;
    }
    for (int32_t i = 0; i < 2 * PDM_MOST_TAPS; i++) {
        filter->recent[i] = 0;
    }
    filter->coming[0] = filter->coming[1] = 0;
    filter->at = 0;
    filter->is_begun = 1;
}

static const uint8_t *bytes_integrate(pdm_filter *filter, const uint8_t *bits, int32_t n_bytes)
{
    uint32_t low = filter->coming[0];
    uint32_t high = filter->coming[1];
    uint32_t s1 = filter->sums[0];
    uint32_t s2 = filter->sums[1];
    uint32_t s3 = filter->sums[2];
    uint32_t s4 = filter->sums[3];

    for (const uint8_t *const end = bits + n_bytes; bits != end; bits++) {
        const uint32_t *const of_byte = filter->of_byte[*bits];
        low = (low >> 16 | high << 16) + of_byte[0];
        high = (high >> 16) + of_byte[1];
        s1 += low & 0xFFFF;
        s2 += s1;
        s3 += s2;
        s4 += s3;
    }
    filter->coming[0] = low;
    filter->coming[1] = high;
    filter->sums[0] = s1;
    filter->sums[1] = s2;
    filter->sums[2] = s3;
    filter->sums[3] = s4;
    return bits;
}

/* The combs, and the value as int16: bits that are all 1 are 32767, all 0 -32768. */
static int16_t value_comb(pdm_filter *filter)
{
    const int32_t bits = PDM_ORDER * filter->log2_bits;
    uint32_t sum = filter->sums[PDM_ORDER - 1];
    int32_t value;

    for (int32_t order = 0; order < PDM_ORDER; order++) {
        const uint32_t kept = sum;
        sum -= filter->before[order];
        filter->before[order] = kept;
    }
    value = (int32_t)(2 * sum) - (1 << bits);
    if (bits < 15) {
        value *= 1 << (15 - bits);
    } else if (bits > 15) {
        value = (value + (1 << (bits - 16))) >> (bits - 15);
    }
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value);
}

static int32_t value_filter(const int16_t *values, const int16_t *taps, int32_t n_taps)
{
    int32_t sum = 0;

    for (const int16_t *const end = taps + n_taps; taps != end; taps += PDM_STEP, values += PDM_STEP) {
        sum += values[0] * taps[0] + values[1] * taps[1] + values[2] * taps[2] + values[3] * taps[3];
    }
    return sum;
}

void pdm_decimate(pdm_filter *filter, const uint8_t *bits, int32_t n, const int16_t *taps, int32_t n_taps,
                  int32_t *samples)
{
    const int32_t n_bytes = 1 << (filter->log2_bits - 3);

    if (!filter->is_begun) {
        filter_begin(filter);
    }
    for (; n > 0; n--) {
        for (int32_t step = 0; step < PDM_STEP; step++) {
            bits = bytes_integrate(filter, bits, n_bytes);
            filter->recent[filter->at] = filter->recent[filter->at + n_taps] = value_comb(filter);
            filter->at = filter->at + 1 == n_taps ? 0 : filter->at + 1;
        }
        *samples++ = value_filter(filter->recent + filter->at, taps, n_taps);
    }
}
