/* Fourier transform of real int16 samples in place: block floating point, int16 bins, one exponent. */
#ifndef FFT_H
#define FFT_H

#include <stdint.h>

/* `data`: n samples, aligned to words, any int16 values. Afterwards bins 0 … n / 2, with real and imaginary part in
 * turns; bin 0 and bin n / 2 are real and share the first two places. Returns e: sum of x e^(-2 pi i j k / n) over
 * the samples = bin * 2^e. Signal to noise of tones and noise, however quiet: 58 dB and more up to 256 samples; 512: 55 dB, 1024: 52 dB. */
int32_t fft_real_16(int16_t *data);
int32_t fft_real_32(int16_t *data);
int32_t fft_real_64(int16_t *data);
int32_t fft_real_128(int16_t *data);
int32_t fft_real_256(int16_t *data);
int32_t fft_real_512(int16_t *data);
int32_t fft_real_1024(int16_t *data);

/* Squared magnitudes of bins 0 … n / 2 of what fft_real_<n> left: power[k] * 4^e. n / 2 + 1 values below 2^31. */
void fft_power(const int16_t *bins, int32_t n, uint32_t *power);

#endif
