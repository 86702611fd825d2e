/* Powers of two, softmax and sigmoid in integers. */
#include "exponential.h"

/* round(65536 * 2^(-i / 64)) - 1: less one, so that all of them fit 16 bits. */
const uint16_t power_table[65] = {
    65535, 64829, 64131, 63440, 62756, 62080, 61412, 60750, 60096, 59448, 58808, 58175, 57548,
    56928, 56315, 55708, 55108, 54514, 53927, 53346, 52772, 52203, 51641, 51084, 50534, 49990,
    49451, 48919, 48392, 47870, 47355, 46845, 46340, 45841, 45347, 44858, 44375, 43897, 43424,
    42957, 42494, 42036, 41583, 41135, 40692, 40254, 39820, 39391, 38967, 38547, 38132, 37721,
    37315, 36913, 36515, 36122, 35733, 35348, 34967, 34590, 34218, 33849, 33485, 33124, 32767,
};

#if defined(__thumb__) && !defined(__thumb2__)

/* There is no instruction to divide. The upper half of the dividend is less than the total: 16 steps are left, each
 * with a one from the lower half. r1: remainder; the quotient's bits come in as carries. */
__attribute__((naked)) uint32_t reciprocal_uint32(uint32_t total)
{
    __asm__ volatile(
        "movs r2, #0\n"
        "movs r3, #1\n"
        "lsls r1, r3, #16\n"
        "subs r1, #1\n"
        ".rept 16\n"
        "adds r1, r1, r1\n"
        "adds r1, #1\n"
        "cmp r1, r0\n"
        "blo 1f\n"
        "subs r1, r1, r0\n"
        "1:\n"
        "adcs r2, r2\n"
        ".endr\n"
        "mov r0, r2\n"
        "bx lr\n");
}

#endif

uint32_t negative_power(uint32_t exponent)
{
    return negative_power_inline(exponent);
}

int32_t sigmoid_q15(uint32_t exponent, int32_t is_negative)
{
    const int32_t large = (int32_t)((32767u << 16) / (65536u + negative_power(exponent)));

    return is_negative ? 32767 - large : large;
}

void softmax_write(uint32_t *exponents, int32_t n, int16_t *scores)
{
    uint32_t total = 0;

    for (int32_t i = 0; i < n; i++) {
        exponents[i] = negative_power(exponents[i]);
        total += exponents[i];
    }
    const uint32_t inverse = reciprocal_uint32(total);
    for (int32_t i = 0; i < n; i++) {
        scores[i] = (int16_t)(exponents[i] * inverse >> 17);
    }
}

void shares_normalise(int16_t *shares, int32_t n)
{
    uint32_t total = 0;

    for (int32_t i = 0; i < n; i++) {
        total += (uint32_t)shares[i];
    }
    const uint32_t inverse = total > 0 ? 0x7FFFFFFFu / total : 0;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t share = (uint32_t)shares[i] * inverse >> 16;
        shares[i] = (int16_t)(total == 0 ? 32767 / n : share > 32767 ? 32767 : share);
    }
}
