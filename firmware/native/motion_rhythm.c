/* Autocorrelation of a row: how regular its motion is, and how fast. See motion.h. */
#include "motion.h"

typedef struct {
    int32_t lag;
    int64_t height;
    int64_t power;
} autocorrelation_peak;

/* sum of (a[i] - mean) (a[i + lag] - mean), in the mean of both; differences are below 2^17. */
static int64_t autocorrelation(const int16_t *samples, int32_t n, int32_t lag, int32_t mean)
{
    int64_t sum = 0;

    for (int32_t i = 0; i + lag < n; i++) {
        sum += (int64_t)(samples[i] - mean) * (samples[i + lag] - mean);
    }
    return sum;
}

static autocorrelation_peak peak_find(const int16_t *samples, int32_t n)
{
    const int32_t mean = motion_mean(samples, n);
    autocorrelation_peak peak = {0, 0, autocorrelation(samples, n, 0, mean)};
    int32_t has_fallen = 0;

    for (int32_t lag = 1; lag <= n / 2; lag++) {
        const int64_t height = autocorrelation(samples, n, lag, mean);
        has_fallen |= height < 0;
        if (has_fallen && height > peak.height) {
            peak.lag = lag;
            peak.height = height;
        }
    }
    return peak;
}

int16_t motion_rhythm(const int16_t *samples, int32_t n)
{
    const autocorrelation_peak peak = peak_find(samples, n);

    /* power < 2^48 */
    return (int16_t)(peak.power == 0 ? 0 : (peak.height * 32767 + peak.power / 2) / peak.power);
}

int16_t motion_period(const int16_t *samples, int32_t n)
{
    return (int16_t)peak_find(samples, n).lag;
}
