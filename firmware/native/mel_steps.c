/* Steps of mel.c. */
#include "mel_steps.h"

#include "fft_steps.h"

int32_t mel_bits(const mel_word *samples, int32_t n)
{
    return fft_bits(samples, n);
}

void mel_window(const int16_t *samples, const uint16_t *half, int32_t n, int32_t bits, int16_t *windowed)
{
    const int16_t *const end = samples + n;
    const int16_t *down = end;
    int16_t *down_to = windowed + n;
    const int32_t shift = bits + 1;
    const int32_t round = 1 << (shift - 1);

    *windowed = 0; /* Hann's is 0 there */
    half++;
    for (samples++, windowed++, down--, down_to--; samples != down; samples++, windowed++, down--, down_to--) {
        const int32_t factor = *half++;
        *windowed = (int16_t)((*samples * factor + round) >> shift);
        *down_to = (int16_t)((*down * factor + round) >> shift);
    }
    *windowed = (int16_t)((*samples * (int32_t)*half + round) >> shift);
}

void mel_power(mel_word *bins, int32_t n)
{
    mel_word *const end = bins + n;

    *bins = 0;
    for (bins++; bins < end; bins++) {
#if defined(__ARM_FEATURE_DSP)
        *bins = (uint32_t)__builtin_arm_smuad((int32_t)*bins, (int32_t)*bins);
#else
        const int32_t re = (int16_t)*bins;
        const int32_t im = (int32_t)*bins >> 16;
        *bins = (uint32_t)(re * re) + (uint32_t)(im * im);
#endif
    }
}

uint32_t mel_sum(const mel_word *power, const uint16_t *weights, int32_t n)
{
    uint32_t sum = 0;

    for (const mel_word *const end = power + n; power != end; power++, weights++) {
#if defined(__thumb__) && !defined(__thumb2__)
        /* A product of 64 bits in two of 32: the same bits. */
        sum += (*power >> 16) * *weights + ((*power & 0xFFFF) * *weights >> 16);
#else
        sum += (uint32_t)((uint64_t)*power * *weights >> 16);
#endif
    }
    return sum;
}
