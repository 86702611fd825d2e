/* Layers of dense_packed.h: four weights at a time. */
#include "dense_packed.h"

/* The four weights at `from`, each at the top of a word. */
static inline void unpack_8(const uint8_t *from, uint32_t *top)
{
    for (int32_t i = 0; i < 4; i++) {
        top[i] = (uint32_t)from[i] << 24;
    }
}

static inline void unpack_6(const uint8_t *from, uint32_t *top)
{
    const uint32_t bits = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;

    for (int32_t i = 0; i < 4; i++) {
        top[i] = bits << (26 - 6 * i);
    }
}

static inline void unpack_4(const uint8_t *from, uint32_t *top)
{
    const uint32_t bits = from[0] | (uint32_t)from[1] << 8;

    for (int32_t i = 0; i < 4; i++) {
        top[i] = bits << (28 - 4 * i);
    }
}

#define DENSE_PACKED(bits)                                                                                     \
    void dense_packed_##bits(const int16_t *x, const void *packed, const int16_t *multipliers,                 \
                             const int32_t *bias, int32_t n_in, int32_t n_out, int32_t *sums)                  \
    {                                                                                                          \
        const uint8_t *weights = packed;                                                                       \
                                                                                                               \
        for (int32_t row = 0; row < n_out; row++) {                                                            \
            uint32_t sum = 0;                                                                                  \
                                                                                                               \
            for (int32_t at = 0; at < n_in; at += 4, weights += (bits) / 2) {                                  \
                const int32_t left = n_in - at;                                                                \
                uint32_t top[4];                                                                               \
                                                                                                               \
                unpack_##bits(weights, top);                                                                   \
                sum += (uint32_t)(((int32_t)top[0] >> (32 - (bits))) * x[at]);                                 \
                if (left > 1) {                                                                                \
                    sum += (uint32_t)(((int32_t)top[1] >> (32 - (bits))) * x[at + 1]);                         \
                }                                                                                              \
                if (left > 2) {                                                                                \
                    sum += (uint32_t)(((int32_t)top[2] >> (32 - (bits))) * x[at + 2]);                         \
                }                                                                                              \
                if (left > 3) {                                                                                \
                    sum += (uint32_t)(((int32_t)top[3] >> (32 - (bits))) * x[at + 3]);                         \
                }                                                                                              \
            }                                                                                                  \
            sums[row] = (int32_t)((uint32_t)bias[row] + sum * (uint32_t)multipliers[row]);                     \
        }                                                                                                      \
    }

DENSE_PACKED(8)
DENSE_PACKED(6)
DENSE_PACKED(4)

/* Columns are scaled so many at a time, for all rows. */
#define BLOCK 32

/* n values, and zeros up to whole fours. */
static void scale_int16(const int16_t *x, const uint8_t *shifts, int32_t n, int16_t *scaled)
{
    int32_t i = 0;

    for (; i < n; i++) {
        const int32_t value = (int32_t)((uint32_t)(int32_t)x[i] << shifts[i]);

        scaled[i] = (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
    }
    for (; i & 3; i++) {
        scaled[i] = 0;
    }
}

#define DENSE_SCALED(bits)                                                                                     \
    void dense_scaled_##bits(const int16_t *x, const void *packed, const int16_t *multipliers,                 \
                             const int32_t *bias, int32_t n_in, int32_t n_out, int32_t *sums)                  \
    {                                                                                                          \
        const uint8_t *const shifts = packed;                                                                  \
        const int32_t fours = (n_in + 3) / 4;                                                                  \
        const uint8_t *const weights = shifts + 4 * fours;                                                     \
        int16_t scaled[BLOCK];                                                                                 \
                                                                                                               \
        for (int32_t row = 0; row < n_out; row++) {                                                            \
            sums[row] = 0;                                                                                     \
        }                                                                                                      \
        for (int32_t first = 0; first < n_in; first += BLOCK) {                                                \
            const int32_t n = n_in - first < BLOCK ? n_in - first : BLOCK;                                     \
            const uint8_t *from = weights + first / 4 * ((bits) / 2);                                          \
                                                                                                               \
            scale_int16(x + first, shifts + first, n, scaled);                                                 \
            for (int32_t row = 0; row < n_out; row++, from += fours * ((bits) / 2)) {                          \
                const uint8_t *at = from;                                                                      \
                uint32_t sum = 0;                                                                              \
                                                                                                               \
                for (int32_t i = 0; i < n; i += 4, at += (bits) / 2) {                                         \
                    uint32_t top[4];                                                                           \
                                                                                                               \
                    unpack_##bits(at, top);                                                                    \
                    sum += (uint32_t)(((int32_t)top[0] >> (32 - (bits))) * scaled[i]);                         \
                    sum += (uint32_t)(((int32_t)top[1] >> (32 - (bits))) * scaled[i + 1]);                     \
                    sum += (uint32_t)(((int32_t)top[2] >> (32 - (bits))) * scaled[i + 2]);                     \
                    sum += (uint32_t)(((int32_t)top[3] >> (32 - (bits))) * scaled[i + 3]);                     \
                }                                                                                              \
                sums[row] = (int32_t)((uint32_t)sums[row] + sum);                                              \
            }                                                                                                  \
        }                                                                                                      \
        for (int32_t row = 0; row < n_out; row++) {                                                            \
            sums[row] = (int32_t)((uint32_t)bias[row] + (uint32_t)sums[row] * (uint32_t)multipliers[row]);     \
        }                                                                                                      \
    }

DENSE_SCALED(8)
DENSE_SCALED(6)
DENSE_SCALED(4)
