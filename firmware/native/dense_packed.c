/* Layers of dense_packed.h: four weights at a time. */
#include "dense_packed.h"

/* Columns are scaled so many at a time, for all rows. */
#define BLOCK 32

/* Four weights times four values; each weight is shifted to the top of a word, and down again with its sign. */
static inline uint32_t four_8(const uint8_t *from, const int16_t *x)
{
    const int8_t *const weights = (const int8_t *)from;

    return (uint32_t)(weights[0] * x[0]) + (uint32_t)(weights[1] * x[1]) + (uint32_t)(weights[2] * x[2]) +
           (uint32_t)(weights[3] * x[3]);
}

static inline uint32_t four_6(const uint8_t *from, const int16_t *x)
{
    const uint32_t bits = (uint32_t)from[0] << 8 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 24;

    return (uint32_t)(((int32_t)(bits << 18) >> 26) * x[0]) + (uint32_t)(((int32_t)(bits << 12) >> 26) * x[1]) +
           (uint32_t)(((int32_t)(bits << 6) >> 26) * x[2]) + (uint32_t)(((int32_t)bits >> 26) * x[3]);
}

static inline uint32_t four_4(const uint8_t *from, const int16_t *x)
{
    const uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 24;

    return (uint32_t)(((int32_t)(bits << 12) >> 28) * x[0]) + (uint32_t)(((int32_t)(bits << 8) >> 28) * x[1]) +
           (uint32_t)(((int32_t)(bits << 4) >> 28) * x[2]) + (uint32_t)(((int32_t)bits >> 28) * x[3]);
}

/* n values times 2^shift, held within int16; then zeros up to whole fours. Without shifts as they are. */
static void scale_int16(const int16_t *x, const uint8_t *shifts, int32_t n, int16_t *scaled)
{
    int32_t i = 0;

    for (; i < n; i++) {
        const int32_t value = (int32_t)((uint32_t)(int32_t)x[i] << (shifts ? shifts[i] : 0));

        scaled[i] = (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
    }
    for (; i & 3; i++) {
        scaled[i] = 0;
    }
}

/* sums[r] += row r of the weights · scaled, of whole fours; rows are `stride` bytes apart. */
#define ADD_ROWS(bits)                                                                                         \
    static void add_rows_##bits(const int16_t *scaled, const uint8_t *row, int32_t stride, int32_t n,          \
                                int32_t n_out, int32_t *sums)                                                  \
    {                                                                                                          \
        for (; n_out > 0; n_out--, row += stride, sums++) {                                                    \
            const int16_t *const end = scaled + n;                                                             \
            const uint8_t *from = row;                                                                         \
            uint32_t sum = (uint32_t)*sums;                                                                    \
                                                                                                               \
            for (const int16_t *x = scaled; x < end; x += 4, from += (bits) / 2) {                             \
                sum += four_##bits(from, x);                                                                   \
            }                                                                                                  \
            *sums = (int32_t)sum;                                                                              \
        }                                                                                                      \
    }

#define DENSE_PACKED(bits)                                                                                     \
    ADD_ROWS(bits)                                                                                             \
                                                                                                               \
    static void layer_##bits(const int16_t *x, const uint8_t *shifts, const uint8_t *weights,                  \
                             const int16_t *multipliers, const int32_t *bias, int32_t n_in, int32_t n_out,     \
                             int32_t *sums)                                                                    \
    {                                                                                                          \
        const int32_t stride = (n_in + 3) / 4 * ((bits) / 2);                                                  \
        int16_t scaled[BLOCK];                                                                                 \
                                                                                                               \
        for (int32_t row = 0; row < n_out; row++) {                                                            \
            sums[row] = 0;                                                                                     \
        }                                                                                                      \
        for (int32_t at = 0; at < n_in; at += BLOCK, weights += BLOCK / 4 * ((bits) / 2)) {                    \
            const int32_t n = n_in - at < BLOCK ? n_in - at : BLOCK;                                           \
                                                                                                               \
            scale_int16(x + at, shifts ? shifts + at : 0, n, scaled);                                          \
            add_rows_##bits(scaled, weights, stride, n, n_out, sums);                                          \
        }                                                                                                      \
        for (int32_t row = 0; row < n_out; row++) {                                                            \
            sums[row] = (int32_t)((uint32_t)bias[row] + (uint32_t)sums[row] * (uint32_t)multipliers[row]);     \
        }                                                                                                      \
    }                                                                                                          \
                                                                                                               \
    void dense_packed_##bits(const int16_t *x, const void *packed, const int16_t *multipliers,                 \
                             const int32_t *bias, int32_t n_in, int32_t n_out, int32_t *sums)                  \
    {                                                                                                          \
        layer_##bits(x, 0, packed, multipliers, bias, n_in, n_out, sums);                                      \
    }                                                                                                          \
                                                                                                               \
    void dense_scaled_##bits(const int16_t *x, const void *packed, const int16_t *multipliers,                 \
                             const int32_t *bias, int32_t n_in, int32_t n_out, int32_t *sums)                  \
    {                                                                                                          \
        const uint8_t *const shifts = packed;                                                                  \
                                                                                                               \
        layer_##bits(x, shifts, shifts + (n_in + 3) / 4 * 4, multipliers, bias, n_in, n_out, sums);            \
    }

DENSE_PACKED(8)
DENSE_PACKED(6)
DENSE_PACKED(4)
