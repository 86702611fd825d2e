/* The FFT of any size, given its twiddles. */
#ifndef FFT_REAL_H
#define FFT_REAL_H

#include "fft.h"

/* Twiddles: those of each fft_join, then those of fft_split. */
int32_t fft_real(int16_t *samples, int32_t log2_n, const int16_t *twiddles);

#endif
