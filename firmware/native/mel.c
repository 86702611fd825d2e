/* One frame of sound → the level of each mel band: window, transform, power, sums, logarithm. */
#include "mel.h"

#include "fft.h"
#include "logarithm.h"
#include "mel_steps.h"

void mel_levels(const mel_analysis *by, const int16_t *samples, int16_t *scratch, int16_t *levels)
{
    const int32_t n = 1 << by->log2_n;
    const uint8_t *bins = by->bins;
    const uint16_t *weights = by->weights;
    mel_word *const power = (mel_word *)scratch;
    /* Quiet sound is made as loud as fits before the window rounds it. */
    const int32_t bits = mel_bits((const mel_word *)samples, n / 2);
    int32_t exponent;
    int32_t first = 0;
    int32_t n_power = 0;

    for (int32_t band = 0; band < by->n_bands; band++) {
        first += bins[2 * band];
        n_power = first + bins[2 * band + 1];
    }
    mel_window(samples, by->hann, n, bits, scratch);
    exponent = 2 * (by->transform(scratch) + bits - 15) * 256 - MEL_FLOOR;
    mel_power(power, n_power);
    first = 0;
    for (int32_t band = 0; band < by->n_bands; band++) {
        const int32_t count = bins[2 * band + 1];
        first += bins[2 * band];
        const uint32_t sum = mel_sum(power + first, weights, count);
        const int32_t level = sum == 0 ? 0 : log2_u32(sum) + exponent;
        levels[band] = (int16_t)(level > 0 ? level : 0);
        weights += count;
    }
}
