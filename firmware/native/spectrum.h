/* Spectral features of a row of motion samples: power by Welch's method, then figures of it. */
#ifndef SPECTRUM_H
#define SPECTRUM_H

#include <stdint.h>

/* One-sided power of a row: `power` n / 2 + 1 values, each to be multiplied by 2^exponent. */
typedef struct {
    const uint32_t *power;
    int32_t exponent;
    int32_t log2_n;
} spectrum;

/* Power of the first and of the last 2^log2_n of `n` samples (once if that is all), less their mean, Hann window.
 *
 * transform: fft_real_<2^log2_n>. scratch: 2^log2_n int16 on a word. power: 2^(log2_n - 1) + 1 values. */
spectrum spectrum_of(const int16_t *samples, int32_t n, int32_t log2_n, int32_t (*transform)(int16_t *),
                     int16_t *scratch, uint32_t *power);

/* Root of the mean square of what lies in bins first … last, in LSB. Bin 0 is nothing but leakage: start at 1. */
int16_t spectrum_band(const spectrum *of, int32_t first, int32_t last);

/* Share of bins first … last in the power of all from 1 on, 32767 = 1; 0 of silence. */
int16_t spectrum_share(const spectrum *of, int32_t first, int32_t last);

/* The strongest bin, and the mean bin weighted by power, times `unit` / 2^8, saturated; 0 of silence. */
int16_t spectrum_peak(const spectrum *of, int32_t unit);
int16_t spectrum_centroid(const spectrum *of, int32_t unit);

#endif
