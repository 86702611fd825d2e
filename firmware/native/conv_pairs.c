/* Two places at a time with SMLAD: see conv_pairs.h. */
#include "conv_pairs.h"

#include "conv_scale.h"
#include "conv_steps.h"

#if defined(__ARM_FEATURE_DSP)

/* Sums of two channels at two places: {first, first at the second place, second, second at the second place}.
 * r0: values. r1: weights, 16 bytes from four products to the next four. r2: n / 4 > 0. r3: sums. */
static __attribute__((naked)) void pairs_multiply(const uint32_t *values, const uint8_t *weights, int32_t n_fours,
                                                  int32_t *sums)
{
    __asm__ volatile(
        "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "mov r8, #0\n mov r9, #0\n mov r10, #0\n mov r11, #0\n"
        "1:\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldrd r12, lr, [r1], #16\n"
        "uxtb16 r3, r12\n smlad r8, r4, r3, r8\n smlad r9, r6, r3, r9\n"
        "uxtb16 r3, r12, ror #8\n smlad r8, r5, r3, r8\n smlad r9, r7, r3, r9\n"
        "uxtb16 r3, lr\n smlad r10, r4, r3, r10\n smlad r11, r6, r3, r11\n"
        "uxtb16 r3, lr, ror #8\n smlad r10, r5, r3, r10\n smlad r11, r7, r3, r11\n"
        "subs r2, #1\n"
        "bne 1b\n"
        "pop {r3}\n"
        "stmia r3, {r8, r9, r10, r11}\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}

void conv_pairs_add(conv_pairs *pairs, const uint8_t *x)
{
    const uint32_t *words = (const uint32_t *)x;
    uint32_t *to = pairs->values + 2 * pairs->n_waiting;
    uint32_t total = 0;

    for (const uint32_t *const end = words + pairs->n / 4; words != end; to += 4) {
        const uint32_t four = *words++;
        total = __builtin_arm_usada8(four, 0, total);
        to[0] = __builtin_arm_uxtb16(four);
        to[1] = __builtin_arm_uxtb16(four >> 8 | four << 24);
    }
    pairs->offsets[pairs->n_waiting++] = -128 * (int32_t)total;
}

static inline uint8_t narrow(int32_t sum, const conv_channel *of, int32_t twice_zero_and_one, int32_t low, int32_t high)
{
    const int32_t part = scale_high_narrow(sum + of->bias, of->multiplier);
    const int32_t value = (((part + (part >> 31)) >> (of->shift - 1)) + twice_zero_and_one) >> 1;

    return value_limit(value, low, high);
}

void conv_pairs_write(const conv_layer *layer, conv_pairs *pairs, uint8_t *y)
{
    const int32_t n = pairs->n;
    const int32_t zero = 2 * layer->zero + 1;
    const uint8_t *weights = layer->weights;

    for (int32_t channel = 0; channel < layer->out_channels; channel += 2) {
        int32_t sums[4];
        pairs_multiply(pairs->values, weights, n >> 2, sums);
        /* The next two of four channels lie beside, the next four behind. */
        weights += (channel & 2) ? 4 * n - 8 : 8;
        for (int32_t i = 0; i < 2 && channel + i < layer->out_channels; i++) {
            uint8_t *const to = y + channel + i;
            const int32_t first = sums[2 * i] + pairs->offsets[0];
            const int32_t second = sums[2 * i + 1] + pairs->offsets[1];
            if (layer->lower == NULL) {
                const conv_channel *const of = layer->of + channel + i;
                to[0] = narrow(first, of, zero, layer->low, layer->high);
                to[layer->out_channels] = narrow(second, of, zero, layer->low, layer->high);
            } else {
                conv_write(layer, channel + i, 1, &first, 0, to);
                conv_write(layer, channel + i, 1, &second, 0, to + layer->out_channels);
            }
        }
    }
    pairs->n_waiting = 0;
}

#endif
