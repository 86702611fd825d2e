/* Steps of an FFT in plain C. */
#include "fft_steps.h"

#if !defined(__ARM_FEATURE_DSP)

static inline int32_t real(fft_word word)
{
    return (int16_t)word;
}

static inline int32_t imaginary(fft_word word)
{
    return (int32_t)word >> 16;
}

static inline fft_word complex(int32_t re, int32_t im)
{
    return ((uint32_t)re & 0xFFFF) | (uint32_t)im << 16;
}

int32_t fft_bits(const fft_word *data, int32_t n)
{
    fft_word all = 0;

    /* Where a bit differs from its neighbour below, the number needs it. */
    for (const fft_word *const end = data + n; data != end; data += 4) {
        const fft_word a = data[0];
        const fft_word b = data[1];
        const fft_word c = data[2];
        const fft_word d = data[3];
        all |= (a ^ a << 1) | (b ^ b << 1) | (c ^ c << 1) | (d ^ d << 1);
    }
    all = (all >> 16 | all) & 0xFFFE;
    int32_t bits = 15;
    while (bits > 0 && !(all >> bits & 1)) {
        bits--;
    }
    return bits;
}

void fft_halve(fft_word *data, int32_t n)
{
    for (fft_word *const end = data + n; data != end; data++) {
        *data = complex(real(*data) >> 1, imaginary(*data) >> 1);
    }
}

void fft_eights(fft_word *data, int32_t n)
{
    const int32_t w = 23170;

    fft_fours(data, n);
    for (fft_word *const end = data + n; data != end; data += 8) {
        for (int32_t k = 0; k < 4; k++) {
            const int32_t er = real(data[k]) >> 1, ei = imaginary(data[k]) >> 1;
            const int32_t re = real(data[k + 4]), im = imaginary(data[k + 4]);
            int32_t tr, ti;
            if (k == 0) {
                tr = re >> 1;
                ti = im >> 1;
            } else if (k == 1) {
                tr = (re * w + im * w + 32768) >> 16;
                ti = (im * w - re * w + 32768) >> 16;
            } else if (k == 2) {
                tr = im >> 1;
                ti = -(re >> 1);
            } else {
                tr = (im * w - re * w + 32768) >> 16;
                ti = (-im * w - re * w + 32768) >> 16;
            }
            data[k] = complex((er + tr) >> 1, (ei + ti) >> 1);
            data[k + 4] = complex((er - tr) >> 1, (ei - ti) >> 1);
        }
    }
}

#if !FFT_STEPS_THUMB1

void fft_fours(fft_word *data, int32_t n)
{
    for (fft_word *const end = data + n; data != end; data += 4) {
        const int32_t ar = real(data[0]), ai = imaginary(data[0]);
        const int32_t cr = real(data[1]), ci = imaginary(data[1]);
        const int32_t br = real(data[2]), bi = imaginary(data[2]);
        const int32_t dr = real(data[3]), di = imaginary(data[3]);
        const int32_t t0r = (ar + cr) >> 1, t0i = (ai + ci) >> 1;
        const int32_t t1r = (ar - cr) >> 1, t1i = (ai - ci) >> 1;
        const int32_t t2r = (br + dr) >> 1, t2i = (bi + di) >> 1;
        const int32_t t3r = (br - dr) >> 1, t3i = (bi - di) >> 1;
        data[0] = complex((t0r + t2r) >> 1, (t0i + t2i) >> 1);
        data[1] = complex((t1r + t3i) >> 1, (t1i - t3r) >> 1);
        data[2] = complex((t0r - t2r) >> 1, (t0i - t2i) >> 1);
        data[3] = complex((t1r - t3i) >> 1, (t1i + t3r) >> 1);
    }
}

void fft_join(fft_word *data, int32_t n, int32_t quarter, int32_t is_by_four, const fft_word *twiddles)
{
    const fft_word *const end = data + n;

    for (; data != end; data += 3 * quarter) {
        const fft_word *factor = twiddles;
        for (const fft_word *const group_end = data + quarter; data != group_end; data++) {
            fft_word *const x1 = data + quarter;
            fft_word *const x2 = x1 + quarter;
            fft_word *const x3 = x2 + quarter;
            const int32_t half = 1 << 15;
            int32_t re = real(*x2), im = imaginary(*x2);
            int32_t wr = real(factor[0]), wi = imaginary(factor[0]);
            const int32_t br = (re * wr + im * wi + half) >> 16, bi = (im * wr - re * wi + half) >> 16;
            re = real(*x3), im = imaginary(*x3);
            wr = real(factor[1]), wi = imaginary(factor[1]);
            const int32_t dr = (re * wr + im * wi + half) >> 16, di = (im * wr - re * wi + half) >> 16;
            const int32_t t2r = br + dr, t2i = bi + di;
            const int32_t t3r = br - dr, t3i = bi - di;
            re = real(*x1), im = imaginary(*x1);
            wr = real(factor[2]), wi = imaginary(factor[2]);
            const int32_t cr = (re * wr + im * wi + half) >> 16, ci = (im * wr - re * wi + half) >> 16;
            const int32_t ar = real(*data) >> 1, ai = imaginary(*data) >> 1;
            const int32_t t0r = ar + cr, t0i = ai + ci;
            const int32_t t1r = ar - cr, t1i = ai - ci;
            *data = complex((t0r + t2r) >> is_by_four, (t0i + t2i) >> is_by_four);
            *x2 = complex((t0r - t2r) >> is_by_four, (t0i - t2i) >> is_by_four);
            *x1 = complex((t1r + t3i) >> is_by_four, (t1i - t3r) >> is_by_four);
            *x3 = complex((t1r - t3i) >> is_by_four, (t1i + t3r) >> is_by_four);
            factor += 3;
        }
    }
}

void fft_split(fft_word *data, int32_t n, const fft_word *twiddles)
{
    fft_word *up = data + 1;
    fft_word *down = data + n - 1;

    for (; up < down; up++, down--, twiddles++) {
        const int32_t sr = real(*up) + real(*down), dr = real(*up) - real(*down);
        const int32_t si = imaginary(*up) + imaginary(*down), di = imaginary(*up) - imaginary(*down);
        const int32_t wr = real(*twiddles), wi = imaginary(*twiddles);
        const int32_t tr = (wr * si - wi * dr + 32768) >> 16;
        const int32_t u = (wr * dr + wi * si + 32768) >> 16;
        *up = complex((sr >> 1) + tr, (di >> 1) - u);
        *down = complex((sr >> 1) - tr, -((di >> 1) + u));
    }
}

#endif

#endif
