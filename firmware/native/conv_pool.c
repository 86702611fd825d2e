/* Pools, sums of two tensors, and what stands at the ends of a net. */
#include "conv.h"
#include "conv_scale.h"

void conv_features(const conv_input *input, const int16_t *features, int32_t n, uint8_t *x)
{
    const int16_t *gain = input->gain;
    const int32_t *bias = input->bias;

    for (int32_t i = 0; n > 0; n--) {
        *x++ = value_limit(((*features++ * gain[i] + bias[i]) >> input->shift) + 128, 0, 255);
        i = i + 1 < input->n_columns ? i + 1 : 0;
    }
}

/* The part of a window of `taps` from `first` on that lies within 0…size. */
static int32_t window_clip(int32_t *first, int32_t taps, int32_t size)
{
    const int32_t end = *first + taps < size ? *first + taps : size;

    *first = *first > 0 ? *first : 0;
    return end - *first;
}

/* Largest value, or sum, of one channel in a window. */
static int32_t window_max(const uint8_t *x, int32_t n_rows, int32_t n_columns, int32_t width, int32_t channels)
{
    int32_t found = 0;

    for (; n_rows > 0; n_rows--) {
        const uint8_t *at = x;
        for (int32_t i = n_columns; i > 0; i--) {
            found = *at > found ? *at : found;
            at += channels;
        }
        x += width * channels;
    }
    return found;
}

static int32_t window_sum(const uint8_t *x, int32_t n_rows, int32_t n_columns, int32_t width, int32_t channels)
{
    int32_t sum = 0;

    for (; n_rows > 0; n_rows--) {
        const uint8_t *at = x;
        for (int32_t i = n_columns; i > 0; i--) {
            sum += *at;
            at += channels;
        }
        x += width * channels;
    }
    return sum;
}

/* sum / n, ties away from the int8 0. */
static int32_t mean_round(int32_t sum, int32_t n)
{
    sum -= 128 * n;
    return (sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n) + 128;
}

static void pool_write(const conv_pool *pool, const uint8_t *x, uint8_t *y, int32_t is_max)
{
    for (int32_t i = 0; i < pool->out_height; i++) {
        int32_t row = i * pool->stride_height - pool->top;
        const int32_t n_rows = window_clip(&row, pool->kernel_height, pool->height);
        for (int32_t j = 0; j < pool->out_width; j++) {
            int32_t column = j * pool->stride_width - pool->left;
            const int32_t n_columns = window_clip(&column, pool->kernel_width, pool->width);
            const uint8_t *seen = x + (row * pool->width + column) * pool->channels;
            for (int32_t channel = 0; channel < pool->channels; channel++) {
                const int32_t value =
                    is_max ? window_max(seen, n_rows, n_columns, pool->width, pool->channels)
                           : mean_round(window_sum(seen, n_rows, n_columns, pool->width, pool->channels),
                                        n_rows * n_columns);
                *y++ = value_limit(value, pool->low, pool->high);
                seen++;
            }
        }
    }
}

void conv_average_int8(const conv_pool *pool, const uint8_t *x, uint8_t *y)
{
    pool_write(pool, x, y, 0);
}

void conv_max_int8(const conv_pool *pool, const uint8_t *x, uint8_t *y)
{
    pool_write(pool, x, y, 1);
}

static int32_t side_scale(int32_t value, const conv_factor *by)
{
    return scale_any(value * (1 << 20), by->multiplier, by->shift);
}

void conv_add_int8(const conv_add *add, const uint8_t *a, const uint8_t *b, int32_t n, uint8_t *y)
{
    for (const uint8_t *const end = a + n; a != end;) {
        const int32_t sum = side_scale(*a++ - add->zeros[0], &add->factors[0]) +
                            side_scale(*b++ - add->zeros[1], &add->factors[1]);
        const int32_t value = scale_any(sum, add->factors[2].multiplier, add->factors[2].shift);
        *y++ = value_limit(value + add->zero, add->low, add->high);
    }
}

void conv_widen_int8(const uint8_t *x, int32_t n, uint8_t zero, int32_t *sums)
{
    for (const uint8_t *const end = x + n; x != end;) {
        *sums++ = (*x++ - zero) * (1 << 16);
    }
}

void conv_scale_sums(int32_t *sums, int32_t n, const conv_factor *factors, int32_t n_factors, int32_t center)
{
    for (int32_t i = 0; i < n; i++) {
        *sums = scale_any(*sums, factors->multiplier, factors->shift) - center;
        sums++;
        factors += n_factors > 1;
    }
}
