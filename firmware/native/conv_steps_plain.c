/* Inner loops of conv.c in plain C. */
#include "conv_steps.h"

int32_t conv_total(const uint8_t *x, int32_t n)
{
    int32_t total = 0;

    for (const uint8_t *const end = x + n; x != end; x += 4) {
        total += x[0] + x[1] + x[2] + x[3];
    }
    return total;
}

#if !CONV_IS_THUMB1

void conv_four_sums(const uint8_t *x, const uint8_t *weights, int32_t n, int32_t *sums)
{
    int32_t a = 0;
    int32_t b = 0;
    int32_t c = 0;
    int32_t d = 0;

    for (const uint8_t *const end = x + n; x != end; x += 4) {
        a += x[0] * weights[0] + x[1] * weights[1] + x[2] * weights[2] + x[3] * weights[3];
        b += x[0] * weights[4] + x[1] * weights[5] + x[2] * weights[6] + x[3] * weights[7];
        c += x[0] * weights[8] + x[1] * weights[9] + x[2] * weights[10] + x[3] * weights[11];
        d += x[0] * weights[12] + x[1] * weights[13] + x[2] * weights[14] + x[3] * weights[15];
        weights += 16;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

#endif
