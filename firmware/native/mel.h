/* One frame of sound → the level of each mel band. */
#ifndef MEL_H
#define MEL_H

#include <stdint.h>

/* Levels are log2 of a band's mean power in steps of 1/256 (0.0118 dB), from the noise of the last bit on. */
enum { MEL_FLOOR = 6 * 256 };

/* How a frame is analysed; constant for a model. */
typedef struct {
    int32_t log2_n;                 /* samples in a frame */
    int32_t (*transform)(int16_t *); /* fft_real_<2^log2_n> */
    const uint16_t *hann;           /* window 0 … n / 2, 65535 = 1 */
    int32_t n_bands;
    const uint8_t *bins;            /* of each band: how many bins after the last band's first, how many of its own */
    const uint16_t *weights;        /* of each band's bins: 65536 in all */
} mel_analysis;

/* Levels of `samples`. scratch: n int16 on a word, may not be samples. */
void mel_levels(const mel_analysis *by, const int16_t *samples, int16_t *scratch, int16_t *levels);

#endif
