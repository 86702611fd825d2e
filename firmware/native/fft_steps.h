/* Steps of fft.c over complex numbers, a word each: real part below, imaginary part above.
 *
 * Twiddles are cosine and sine in Q15, a word each; a product with one is (value * twiddle + half) >> 16: half of it.
 * 'Narrow' numbers have components in -2^14 … 2^14 - 1. */
#ifndef FFT_STEPS_H
#define FFT_STEPS_H

#include <stdint.h>

/* ARMv6-M: Thumb without the 32-bit instructions. */
#if defined(__thumb__) && !defined(__thumb2__)
#define FFT_STEPS_THUMB1 1
#else
#define FFT_STEPS_THUMB1 0
#endif

typedef uint32_t fft_word __attribute__((may_alias));

/* Bits of the largest component without its sign, over n words: 0 … 15. */
int32_t fft_bits(const fft_word *data, int32_t n);

/* Halves every component, rounding down. */
void fft_halve(fft_word *data, int32_t n);

/* First steps on bit-reversed input of any components: transforms of each 4 words, divided by 4; of each 8, by 16. */
void fft_fours(fft_word *data, int32_t n);
void fft_eights(fft_word *data, int32_t n);

/* Joins every four transforms of `quarter` words: divided by 4 (of narrow numbers), or by 2 (of half as large ones).
 * Twiddles of k, 3 k and 2 k for each k < quarter, in the order of use. */
void fft_join(fft_word *data, int32_t n, int32_t quarter, int32_t is_by_four, const fft_word *twiddles);

/* Bins 0 < k < n but n / 2 of a real transform, out of the complex one of narrow numbers; twiddles for k < n / 2. */
void fft_split(fft_word *data, int32_t n, const fft_word *twiddles);

#endif
