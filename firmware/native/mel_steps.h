/* Steps of mel.c over the whole frame: the same bits on every target. */
#ifndef MEL_STEPS_H
#define MEL_STEPS_H

#include <stdint.h>

typedef uint32_t mel_word __attribute__((may_alias));

/* Bits of the largest of 2 n samples without its sign: 0 … 15. n is a multiple of 4. */
int32_t mel_bits(const mel_word *samples, int32_t n);

/* n samples of at most `bits` bits times the symmetric window `half` (n / 2 + 1 values), scaled up to 15 bits. */
void mel_window(const int16_t *samples, const uint16_t *half, int32_t n, int32_t bits, int16_t *windowed);

/* Squared magnitudes of bins 1 … n - 1 in place of the bins; bin 0 counts as nothing. */
void mel_power(mel_word *bins, int32_t n);

/* Sum of power times weight / 65536, each rounded down. */
uint32_t mel_sum(const mel_word *power, const uint16_t *weights, int32_t n);

#endif
