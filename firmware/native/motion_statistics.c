/* Statistics of one row of motion samples: see motion.h for scale, rounding and saturation. */
#include "motion.h"

#include "integer_root.h"

static int16_t saturate_u32(uint32_t value)
{
    return (int16_t)(value > 32767u ? 32767u : value);
}

static int32_t divide_floor(int32_t numerator, int32_t denominator)
{
    int32_t quotient = numerator / denominator;

    return quotient * denominator > numerator ? quotient - 1 : quotient;
}

static int32_t row_sum(const int16_t *samples, int32_t n)
{
    int32_t sum = 0;

    for (int32_t i = 0; i < n; i++) {
        sum += samples[i];
    }
    return sum;
}

static uint64_t row_sum_squares(const int16_t *samples, int32_t n)
{
    uint64_t sum = 0;

    for (int32_t i = 0; i < n; i++) {
        int32_t sample = samples[i];
        sum += (uint32_t)(sample * sample);
    }
    return sum;
}

/* sqrt(value) / n rounded to nearest: floor(sqrt(4 value) / n) holds one bit below the result. value < 2^60. */
static int16_t root_over(uint64_t value, int32_t n)
{
    uint32_t doubled = root_floor_u64(4 * value) / (uint32_t)n;

    return saturate_u32((doubled + 1) >> 1);
}

int16_t motion_magnitude(const int16_t *sample)
{
    int32_t x = sample[0];
    int32_t y = sample[1];
    int32_t z = sample[2];

    return saturate_u32(root_round_u32((uint32_t)(x * x) + (uint32_t)(y * y) + (uint32_t)(z * z)));
}

int16_t motion_mean(const int16_t *samples, int32_t n)
{
    return (int16_t)divide_floor(2 * row_sum(samples, n) + n, 2 * n);
}

int16_t motion_std(const int16_t *samples, int32_t n)
{
    int64_t sum = row_sum(samples, n);

    return root_over((uint32_t)n * row_sum_squares(samples, n) - (uint64_t)(sum * sum), n);
}

int16_t motion_min(const int16_t *samples, int32_t n)
{
    int32_t least = samples[0];

    for (int32_t i = 1; i < n; i++) {
        if (samples[i] < least) {
            least = samples[i];
        }
    }
    return (int16_t)least;
}

int16_t motion_max(const int16_t *samples, int32_t n)
{
    int32_t most = samples[0];

    for (int32_t i = 1; i < n; i++) {
        if (samples[i] > most) {
            most = samples[i];
        }
    }
    return (int16_t)most;
}

int16_t motion_range(const int16_t *samples, int32_t n)
{
    return saturate_u32((uint32_t)(motion_max(samples, n) - motion_min(samples, n)));
}

int16_t motion_rms(const int16_t *samples, int32_t n)
{
    return root_over((uint32_t)n * row_sum_squares(samples, n), n);
}

int16_t motion_energy(const int16_t *samples, int32_t n)
{
    const uint64_t unit = (uint64_t)(uint32_t)n << 15;
    const uint64_t energy = (row_sum_squares(samples, n) + unit / 2) / unit;

    return saturate_u32((uint32_t)energy);
}

int16_t motion_mad(const int16_t *samples, int32_t n)
{
    const int32_t sum = row_sum(samples, n);
    const uint64_t unit = (uint64_t)(uint32_t)n * (uint32_t)n;
    uint64_t distance = 0;

    for (int32_t i = 0; i < n; i++) {
        /* |n s| and |sum| <= 2^29 */
        int32_t off = samples[i] * n - sum;
        distance += (uint32_t)(off < 0 ? -off : off);
    }
    return saturate_u32((uint32_t)((2 * distance + unit) / (2 * unit)));
}

static int16_t crossings_count(const int16_t *samples, int32_t n, int32_t level)
{
    uint32_t crossings = 0;
    int32_t was_above = samples[0] > level;

    for (int32_t i = 1; i < n; i++) {
        int32_t is_above = samples[i] > level;
        crossings += (uint32_t)(is_above ^ was_above);
        was_above = is_above;
    }
    return saturate_u32(crossings);
}

int16_t motion_mc(const int16_t *samples, int32_t n)
{
    /* A whole number is above sum / n exactly if it is above floor(sum / n). */
    return crossings_count(samples, n, divide_floor(row_sum(samples, n), n));
}

int16_t motion_zc(const int16_t *samples, int32_t n)
{
    return crossings_count(samples, n, 0);
}

int16_t motion_jerk(const int16_t *samples, int32_t n)
{
    uint32_t sum = 0;
    uint32_t n_pairs = (uint32_t)n - 1;

    if (n_pairs == 0) {
        return 0;
    }
    for (int32_t i = 1; i < n; i++) {
        int32_t step = samples[i] - samples[i - 1];
        sum += (uint32_t)(step < 0 ? -step : step);
    }
    /* sum <= 16383 * 65535 < 2^30: doubling is safe */
    return saturate_u32((2 * sum + n_pairs) / (2 * n_pairs));
}
