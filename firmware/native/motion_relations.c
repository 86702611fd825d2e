/* What rows have to do with each other: correlation, tilt, and the rows along and across gravity. See motion.h. */
#include "motion.h"

#include "integer_root.h"

enum { SHARE_ONE = 32767 };

typedef struct {
    int32_t x;
    int32_t y;
    int32_t z;
} vector;

static int32_t sum_of(const int16_t *samples, int32_t n)
{
    int32_t sum = 0;

    for (int32_t i = 0; i < n; i++) {
        sum += samples[i];
    }
    return sum;
}

static int16_t share_clamp(int64_t share)
{
    return (int16_t)(share > SHARE_ONE ? SHARE_ONE : share < -SHARE_ONE ? -SHARE_ONE : share);
}

/* numerator / denominator to nearest; the denominator is above 0. */
static int64_t divide_nearest(int64_t numerator, int64_t denominator)
{
    return numerator >= 0 ? (numerator + denominator / 2) / denominator
                          : -((denominator / 2 - numerator) / denominator);
}

/* n sum(a b) - sum(a) sum(b): n squared times the covariance, below 2^60. */
static int64_t covariance(const int16_t *a, const int16_t *b, int32_t n)
{
    int64_t products = 0;

    for (int32_t i = 0; i < n; i++) {
        products += a[i] * b[i];
    }
    return n * products - (int64_t)sum_of(a, n) * sum_of(b, n);
}

/* How far `value` (not 0) can be shifted up to stay below 2^62, an even number. */
static int32_t headroom(uint64_t value)
{
    int32_t shift = 0;

    while (value < (uint64_t)1 << 60) {
        value <<= 2;
        shift += 2;
    }
    return shift;
}

int16_t motion_corr(const int16_t *a, const int16_t *b, int32_t n)
{
    const uint64_t power_a = (uint64_t)covariance(a, a, n);
    const uint64_t power_b = (uint64_t)covariance(b, b, n);
    int64_t product;
    int32_t shift_a;
    int32_t shift_b;

    if (power_a == 0 || power_b == 0) {
        return 0;
    }
    /* Roots with as many bits as there are: 30 and more. */
    shift_a = headroom(power_a);
    shift_b = headroom(power_b);
    product = (int64_t)root_floor_u64(power_a << shift_a) * root_floor_u64(power_b << shift_b);
    /* |covariance| <= product / 2^shift: it stays below 2^62 as well. */
    return share_clamp(divide_nearest(covariance(a, b, n) * ((int64_t)1 << ((shift_a + shift_b) / 2)),
                                      product / SHARE_ONE));
}

static uint32_t length_of(vector of)
{
    return root_floor_u64((uint64_t)((int64_t)of.x * of.x) + (uint64_t)((int64_t)of.y * of.y) +
                          (uint64_t)((int64_t)of.z * of.z));
}

static int32_t largest(vector of)
{
    const int32_t x = of.x < 0 ? -of.x : of.x;
    const int32_t y = of.y < 0 ? -of.y : of.y;
    const int32_t z = of.z < 0 ? -of.z : of.z;

    return x > y ? (x > z ? x : z) : (y > z ? y : z);
}

/* The direction of the mean acceleration, 2^28 and more in its largest value, or 0. */
static vector gravity(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n)
{
    vector sum = {sum_of(x, n), sum_of(y, n), sum_of(z, n)};

    if (largest(sum) > 0) {
        while (largest(sum) < 1 << 28) {
            sum.x *= 2;
            sum.y *= 2;
            sum.z *= 2;
        }
    }
    return sum;
}

int16_t motion_tilt(const int16_t *axis, const int16_t *x, const int16_t *y, const int16_t *z, int32_t n)
{
    const vector down = gravity(x, y, z, n);
    const uint32_t length = length_of(down);
    const int32_t along = axis == x ? down.x : axis == y ? down.y : down.z;

    return length == 0 ? 0 : share_clamp(divide_nearest((int64_t)along * SHARE_ONE, length));
}

/* The same direction with 14 bits, so that products with samples stay small. */
static vector gravity_short(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n)
{
    vector down = gravity(x, y, z, n);

    down.x >>= 14;
    down.y >>= 14;
    down.z >>= 14;
    return down;
}

void motion_vertical(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n, int16_t *row)
{
    const vector down = gravity_short(x, y, z, n);
    const uint32_t length = length_of(down);

    for (int32_t i = 0; i < n; i++) {
        const int64_t along = (int64_t)down.x * x[i] + (int64_t)down.y * y[i] + (int64_t)down.z * z[i];
        row[i] = length == 0 ? 0 : share_clamp(divide_nearest(along, length));
    }
}

void motion_horizontal(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n, int16_t *row)
{
    const vector down = gravity_short(x, y, z, n);
    const uint32_t length = length_of(down);

    for (int32_t i = 0; i < n; i++) {
        /* |a x g| / |g|: each product below 2^31, each difference below 2^32 */
        const int64_t cx = (int64_t)y[i] * down.z - (int64_t)z[i] * down.y;
        const int64_t cy = (int64_t)z[i] * down.x - (int64_t)x[i] * down.z;
        const int64_t cz = (int64_t)x[i] * down.y - (int64_t)y[i] * down.x;
        const vector across = {(int32_t)(cx >> 2), (int32_t)(cy >> 2), (int32_t)(cz >> 2)};
        row[i] = length == 0 ? 0 : share_clamp(divide_nearest(4 * (int64_t)length_of(across), length));
    }
}

void motion_linear(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n, int16_t *row)
{
    const int32_t mean_x = motion_mean(x, n);
    const int32_t mean_y = motion_mean(y, n);
    const int32_t mean_z = motion_mean(z, n);

    for (int32_t i = 0; i < n; i++) {
        const vector off = {x[i] - mean_x, y[i] - mean_y, z[i] - mean_z};
        row[i] = share_clamp(length_of(off));
    }
}
