/* Spectral features of a row of motion samples: see spectrum.h. */
#include "spectrum.h"

#include "fft.h"
#include "integer_root.h"
#include "motion.h"

/* The Hann window is (2 X[k] - X[k - 1] - X[k + 1]) / 4 among the bins: no table, and none of its rounding. */
static uint32_t hann_power(const int16_t *bins, int32_t half, int32_t k)
{
    int32_t re[3];
    int32_t im[3];
    int32_t sum_re;
    int32_t sum_im;

    for (int32_t i = 0; i < 3; i++) {
        int32_t at = k - 1 + i;
        int32_t sign = 1;
        if (at < 0 || at > half) { /* of a real signal: the conjugate of the mirrored bin */
            at = at < 0 ? -at : 2 * half - at;
            sign = -1;
        }
        if (at == 0 || at == half) {
            re[i] = bins[at == 0 ? 0 : 1];
            im[i] = 0;
        } else {
            re[i] = bins[2 * at];
            im[i] = sign * bins[2 * at + 1];
        }
    }
    sum_re = 2 * re[1] - re[0] - re[2];
    sum_im = 2 * im[1] - im[0] - im[2];
    return (uint32_t)(((uint64_t)((int64_t)sum_re * sum_re) + (uint64_t)((int64_t)sum_im * sum_im)) >> 5);
}

/* Adds a segment's power, at whichever exponent is the larger. */
static int32_t segment_add(const int16_t *samples, int32_t log2_n, int32_t (*transform)(int16_t *),
                           int16_t *scratch, uint32_t *power, int32_t exponent, int32_t is_first)
{
    const int32_t n = 1 << log2_n;
    const int32_t mean = motion_mean(samples, n);
    int32_t is_wide = 0;
    int32_t own;

    for (int32_t i = 0; i < n; i++) {
        const int32_t off = samples[i] - mean;
        is_wide |= off < -32768 || off > 32767;
    }
    for (int32_t i = 0; i < n; i++) {
        scratch[i] = (int16_t)((samples[i] - mean) >> is_wide);
    }
    own = 2 * (transform(scratch) + is_wide);
    if (is_first) {
        exponent = own;
    }
    for (int32_t k = 0; k <= n / 2; k++) {
        const uint32_t value = hann_power(scratch, n / 2, k);
        const uint32_t there = is_first ? 0 : power[k];
        const int32_t lift = exponent > own ? exponent : own;
        const int32_t down_there = lift - exponent > 31 ? 31 : lift - exponent;
        const int32_t down_value = lift - own > 31 ? 31 : lift - own;
        power[k] = (there >> down_there) + (value >> down_value);
    }
    return exponent > own ? exponent : own;
}

spectrum spectrum_of(const int16_t *samples, int32_t n, int32_t log2_n, int32_t (*transform)(int16_t *),
                     int16_t *scratch, uint32_t *power)
{
    const int32_t size = 1 << log2_n;
    spectrum made = {power, 0, log2_n};

    made.exponent = segment_add(samples, log2_n, transform, scratch, power, 0, 1);
    if (n > size) {
        made.exponent = segment_add(samples + n - size, log2_n, transform, scratch, power, made.exponent, 0) - 1;
    }
    return made;
}

static uint64_t power_sum(const spectrum *of, int32_t first, int32_t last)
{
    uint64_t sum = 0;

    for (int32_t k = first; k <= last; k++) {
        sum += of->power[k];
    }
    return sum;
}

int16_t spectrum_band(const spectrum *of, int32_t first, int32_t last)
{
    /* Mean square of bins k > 0: 2 / n^2 * sum |X|^2 / (3 / 8), the 3 / 8 being the Hann window's mean square. X is
     * bins / 4 * 2^e, and power was shifted by 5: |X|^2 = power * 2 * 2^exponent. So 32 / 3 * power * 2^exponent
     * / n^2: the root of power / 3 * 2^(exponent + 5 - 2 log2_n). */
    const uint64_t third = (power_sum(of, first, last) << 20) / 3; /* sums are below 2^42 */
    int32_t shift = of->exponent + 5 - 2 * of->log2_n - 20;
    uint64_t square = third;
    uint32_t root;

    /* The root of an even power of two is a shift; two bits stay below the result. */
    while (shift < -4 && (square >> 62) == 0 && square != 0) {
        square <<= 2;
        shift -= 2;
    }
    if (shift & 1) {
        square >>= 1;
        shift++;
    }
    root = root_floor_u64(square);
    shift = -shift / 2;
    if (shift > 31) {
        return 0;
    }
    root = shift > 0 ? ((root >> (shift - 1)) + 1) >> 1 : root << -shift;
    return (int16_t)(root > 32767u ? 32767u : root);
}

int16_t spectrum_share(const spectrum *of, int32_t first, int32_t last)
{
    const uint64_t all = power_sum(of, 1, 1 << (of->log2_n - 1));

    return (int16_t)(all == 0 ? 0 : (power_sum(of, first, last) * 32767 + all / 2) / all);
}

static int16_t bins_scale(uint64_t numerator, uint64_t denominator, int32_t unit)
{
    const uint64_t value = (numerator * (uint32_t)unit / denominator + 128) >> 8;

    return (int16_t)(value > 32767u ? 32767u : value);
}

int16_t spectrum_peak(const spectrum *of, int32_t unit)
{
    const int32_t half = 1 << (of->log2_n - 1);
    int32_t strongest = 1;

    for (int32_t k = 2; k <= half; k++) {
        if (of->power[k] > of->power[strongest]) {
            strongest = k;
        }
    }
    return of->power[strongest] == 0 ? (int16_t)0 : bins_scale((uint32_t)strongest, 1, unit);
}

int16_t spectrum_centroid(const spectrum *of, int32_t unit)
{
    const int32_t half = 1 << (of->log2_n - 1);
    uint64_t sum = 0;
    uint64_t moment = 0;

    for (int32_t k = 1; k <= half; k++) {
        /* A bit less of each: below 2^40 times a unit below 2^24 */
        sum += of->power[k] >> 11;
        moment += (uint64_t)(of->power[k] >> 11) * (uint32_t)k;
    }
    return sum == 0 ? (int16_t)0 : bins_scale(moment, sum, unit);
}
