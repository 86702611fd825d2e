/* Order statistics of a row, and where its extremes are: see motion.h. */
#include "motion.h"

int16_t motion_quantile(const int16_t *samples, int32_t n, int32_t percent)
{
    const int32_t rank = ((n - 1) * percent + 50) / 100;
    int32_t low = -32768;
    int32_t high = 32767;

    /* Bisection by value: no copy to sort, and 16 passes whatever the row. */
    while (low < high) {
        const int32_t middle = (low + high) >> 1;
        int32_t below = 0;
        for (int32_t i = 0; i < n; i++) {
            below += samples[i] <= middle;
        }
        if (below > rank) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return (int16_t)low;
}

static int16_t place_share(int32_t place, int32_t n)
{
    return (int16_t)(n > 1 ? (2 * place * 32767 + n - 1) / (2 * (n - 1)) : 0);
}

int16_t motion_tmax(const int16_t *samples, int32_t n)
{
    int32_t place = 0;

    for (int32_t i = 1; i < n; i++) {
        if (samples[i] > samples[place]) {
            place = i;
        }
    }
    return place_share(place, n);
}

int16_t motion_tmin(const int16_t *samples, int32_t n)
{
    int32_t place = 0;

    for (int32_t i = 1; i < n; i++) {
        if (samples[i] < samples[place]) {
            place = i;
        }
    }
    return place_share(place, n);
}
