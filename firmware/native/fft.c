/* The order of an FFT's steps, and its scaling: every step gets numbers as large as it can take. */
#include "fft_real.h"

#include "fft_steps.h"

/* Of the four low bits. */
static const uint8_t reversed[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};

/* Swaps words whose indices are each other's reverse; the indices are high, (middle,) low of log2_low bits each. */
static void words_swap(fft_word *data, int32_t log2_low, int32_t log2_high)
{
    const int32_t n = 1 << log2_low;
    const int32_t room = 4 - log2_low;

    for (int32_t a = 1; a < n; a++) {
        fft_word *const row = data + (a << log2_high);
        fft_word *from = data + (reversed[a] >> room);
        for (int32_t b = 0; b < a; b++) {
            fft_word *const to = row + (reversed[b] >> room);
            const fft_word kept = *to;
            *to = *from;
            *from = kept;
            from += 1 << log2_high;
        }
    }
}

static void data_shift(fft_word *data, int32_t n, int32_t shift)
{
    const fft_word mask = ~(((1u << shift) - 1) << 16);

    for (fft_word *const end = data + n; data != end; data++) {
        *data = *data << shift & mask;
    }
}

int32_t fft_real(int16_t *samples, int32_t log2_n, const int16_t *twiddles)
{
    fft_word *const data = (fft_word *)samples;
    const fft_word *factors = (const fft_word *)twiddles;
    const int32_t log2_words = log2_n - 1;
    const int32_t n = 1 << log2_words;
    const int32_t half = log2_words >> 1;
    const int32_t is_odd = log2_words & 1;
    int32_t exponent = fft_bits(data, n) - 15;
    int32_t quarter;

    if (exponent < 0) {
        data_shift(data, n, -exponent);
    }
    words_swap(data, half, half + is_odd);
    if (is_odd) {
        words_swap(data + (1 << half), half, half + 1);
        fft_eights(data, n);
        exponent += 4;
        quarter = 8;
    } else {
        fft_fours(data, n);
        exponent += 2;
        quarter = 4;
    }
    for (;;) {
        const int32_t bits = fft_bits(data, n);
        if (bits > 14) {
            fft_halve(data, n);
            exponent++;
        }
        if (quarter == n) {
            break;
        }
        fft_join(data, n, quarter, bits > 13, factors);
        exponent += 1 + (bits > 13);
        factors += 3 * quarter;
        quarter *= 4;
    }
    fft_split(data, n, factors);
    const int32_t real = samples[0];
    const int32_t imaginary = samples[1];
    samples[0] = (int16_t)(real + imaginary);
    samples[1] = (int16_t)(real - imaginary);
    samples[n + 1] = (int16_t)-samples[n + 1];
    return exponent;
}

void fft_power(const int16_t *bins, int32_t n, uint32_t *power)
{
    const int16_t *const end = bins + n;

    power[0] = (uint32_t)(bins[0] * bins[0]);
    power[n / 2] = (uint32_t)(bins[1] * bins[1]);
    for (bins += 2; bins != end; bins += 2) {
        *++power = (uint32_t)(bins[0] * bins[0]) + (uint32_t)(bins[1] * bins[1]);
    }
}
