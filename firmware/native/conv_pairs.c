/* Two places at a time with SMLAD and SMMULR, for factors of 15 bits: see conv_pairs.h. */
#include "conv_pairs.h"

#include "conv_steps.h"

#if defined(__ARM_FEATURE_DSP)

/* Where the next channels go, and what becomes of their sums. */
typedef struct {
    const conv_channel *of;
    uint8_t *y;
    int32_t next; /* from a place to the next */
    int32_t zero; /* twice the zero of y, and 1 */
    int32_t offsets[2];
} pairs_target;

/* Sums of two channels at two places, scaled and written: r8 and r9 of the first channel, r10 and r11 of the second.
 * r0: values. r1: weights, 16 bytes from four products to the next four. r2: n / 4 > 0. r3: target. */
static __attribute__((naked)) void pairs_multiply(const uint32_t *values, const uint8_t *weights, int32_t n_fours,
                                                  pairs_target *target)
{
    __asm__ volatile(
        "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        "ldrd r8, r9, [r3, #16]\n mov r10, r8\n mov r11, r9\n"
        "lsrs r2, r2, #1\n"
        "bcc 1f\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldrd r12, lr, [r1], #16\n"
        "uxtb16 r3, r12\n smlad r8, r4, r3, r8\n smlad r9, r6, r3, r9\n"
        "uxtb16 r3, r12, ror #8\n smlad r8, r5, r3, r8\n smlad r9, r7, r3, r9\n"
        "uxtb16 r3, lr\n smlad r10, r4, r3, r10\n smlad r11, r6, r3, r11\n"
        "uxtb16 r3, lr, ror #8\n smlad r10, r5, r3, r10\n smlad r11, r7, r3, r11\n"
        "cbz r2, 2f\n"
        "1:\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldrd r12, lr, [r1], #16\n"
        "uxtb16 r3, r12\n smlad r8, r4, r3, r8\n smlad r9, r6, r3, r9\n"
        "uxtb16 r3, r12, ror #8\n smlad r8, r5, r3, r8\n smlad r9, r7, r3, r9\n"
        "uxtb16 r3, lr\n smlad r10, r4, r3, r10\n smlad r11, r6, r3, r11\n"
        "uxtb16 r3, lr, ror #8\n smlad r10, r5, r3, r10\n smlad r11, r7, r3, r11\n"
        "ldmia r0!, {r4, r5, r6, r7}\n"
        "ldrd r12, lr, [r1], #16\n"
        "uxtb16 r3, r12\n smlad r8, r4, r3, r8\n smlad r9, r6, r3, r9\n"
        "uxtb16 r3, r12, ror #8\n smlad r8, r5, r3, r8\n smlad r9, r7, r3, r9\n"
        "uxtb16 r3, lr\n smlad r10, r4, r3, r10\n smlad r11, r6, r3, r11\n"
        "uxtb16 r3, lr, ror #8\n smlad r10, r5, r3, r10\n smlad r11, r7, r3, r11\n"
        "subs r2, #1\n"
        "bne 1b\n"
        "2:\n"
        "ldr r3, [sp]\n"
        "ldmia r3, {r0, r1, r2, r4}\n"
        "ldrd r7, r12, [r0], #8\n"
        "lsl r7, r7, #1\n lsl lr, r12, #16\n lsr r12, r12, #16\n"
        "add r8, r7, r8, lsl #1\n smmulr r8, r8, lr\n add r8, r8, r8, asr #31\n"
        "asr r8, r8, r12\n add r8, r8, r4\n usat r8, #8, r8, asr #1\n"
        "add r9, r7, r9, lsl #1\n smmulr r9, r9, lr\n add r9, r9, r9, asr #31\n"
        "asr r9, r9, r12\n add r9, r9, r4\n usat r9, #8, r9, asr #1\n"
        "strb r9, [r1, r2]\n strb r8, [r1], #1\n"
        "ldrd r7, r12, [r0], #8\n"
        "lsl r7, r7, #1\n lsl lr, r12, #16\n lsr r12, r12, #16\n"
        "add r10, r7, r10, lsl #1\n smmulr r10, r10, lr\n add r10, r10, r10, asr #31\n"
        "asr r10, r10, r12\n add r10, r10, r4\n usat r10, #8, r10, asr #1\n"
        "add r11, r7, r11, lsl #1\n smmulr r11, r11, lr\n add r11, r11, r11, asr #31\n"
        "asr r11, r11, r12\n add r11, r11, r4\n usat r11, #8, r11, asr #1\n"
        "strb r11, [r1, r2]\n strb r10, [r1], #1\n"
        "pop {r3}\n"
        "strd r0, r1, [r3]\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}

int32_t conv_pairs_suit(const conv_layer *layer)
{
    return layer->lower == NULL && (layer->out_channels & 1) == 0;
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

void conv_pairs_write(const conv_layer *layer, conv_pairs *pairs, uint8_t *y)
{
    const int32_t n = pairs->n;
    const uint8_t *weights = layer->weights;
    pairs_target target = {layer->of, y, layer->out_channels, 2 * layer->zero + 1, {pairs->offsets[0], pairs->offsets[1]}};

    for (int32_t channel = 0; channel < layer->out_channels; channel += 2) {
        pairs_multiply(pairs->values, weights, n >> 2, &target);
        /* The next two of four channels lie beside, the next four behind. */
        weights += (channel & 2) ? 4 * n - 8 : 8;
    }
    pairs->n_waiting = 0;
}

/* Sums of four channels as `conv_four_taps` makes them. r0: taps. r1: weights. r2: channel. r3: n_taps. Stack: sums. */
__attribute__((naked)) void conv_four_taps(const uint8_t *const *taps, const int8_t *weights, int32_t channel,
                                           int32_t n_taps, int32_t *sums)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, lr}\n"
        "mov r7, #0\n mov r8, #0\n mov r9, #0\n mov r10, #0\n"
        "1:\n"
        "ldr r4, [r0], #4\n ldr r5, [r1], #4\n"
        "ldr r4, [r4, r2]\n"
        "uxtb16 r6, r4\n uxtb16 r4, r4, ror #8\n"
        "sxtb16 r12, r5\n sxtb16 r5, r5, ror #8\n"
        "smlabb r7, r6, r12, r7\n smlabb r8, r4, r5, r8\n"
        "smlatt r9, r6, r12, r9\n smlatt r10, r4, r5, r10\n"
        "subs r3, #1\n"
        "bne 1b\n"
        "ldr r0, [sp, #32]\n"
        "stmia r0, {r7, r8, r9, r10}\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, pc}\n");
}

/* The same, scaled and written. Stack: target. */
static __attribute__((naked)) void taps_multiply(const uint8_t *const *taps, const int8_t *weights, int32_t channel,
                                                 int32_t n_taps, pairs_target *target)
{
    __asm__ volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, lr}\n"
        "mov r7, #0\n mov r8, #0\n mov r9, #0\n mov r10, #0\n"
        "1:\n"
        "ldr r4, [r0], #4\n ldr r5, [r1], #4\n"
        "ldr r4, [r4, r2]\n"
        "uxtb16 r6, r4\n uxtb16 r4, r4, ror #8\n"
        "sxtb16 r12, r5\n sxtb16 r5, r5, ror #8\n"
        "smlabb r7, r6, r12, r7\n smlabb r8, r4, r5, r8\n"
        "smlatt r9, r6, r12, r9\n smlatt r10, r4, r5, r10\n"
        "subs r3, #1\n"
        "bne 1b\n"
        "ldr r3, [sp, #32]\n"
        "ldrd r0, r1, [r3]\n ldr r12, [r3, #12]\n"
        "ldrd r4, r5, [r0], #8\n"
        "add r7, r7, r4\n lsl r7, r7, #1\n lsl r6, r5, #16\n lsr r5, r5, #16\n"
        "smmulr r7, r7, r6\n add r7, r7, r7, asr #31\n"
        "asr r7, r7, r5\n add r7, r7, r12\n usat r7, #8, r7, asr #1\n"
        "strb r7, [r1], #1\n"
        "ldrd r4, r5, [r0], #8\n"
        "add r8, r8, r4\n lsl r8, r8, #1\n lsl r6, r5, #16\n lsr r5, r5, #16\n"
        "smmulr r8, r8, r6\n add r8, r8, r8, asr #31\n"
        "asr r8, r8, r5\n add r8, r8, r12\n usat r8, #8, r8, asr #1\n"
        "strb r8, [r1], #1\n"
        "ldrd r4, r5, [r0], #8\n"
        "add r9, r9, r4\n lsl r9, r9, #1\n lsl r6, r5, #16\n lsr r5, r5, #16\n"
        "smmulr r9, r9, r6\n add r9, r9, r9, asr #31\n"
        "asr r9, r9, r5\n add r9, r9, r12\n usat r9, #8, r9, asr #1\n"
        "strb r9, [r1], #1\n"
        "ldrd r4, r5, [r0], #8\n"
        "add r10, r10, r4\n lsl r10, r10, #1\n lsl r6, r5, #16\n lsr r5, r5, #16\n"
        "smmulr r10, r10, r6\n add r10, r10, r10, asr #31\n"
        "asr r10, r10, r5\n add r10, r10, r12\n usat r10, #8, r10, asr #1\n"
        "strb r10, [r1], #1\n"
        "strd r0, r1, [r3]\n"
        "pop {r4, r5, r6, r7, r8, r9, r10, pc}\n");
}

void conv_taps_write(const conv_layer *layer, const uint8_t *const *taps, int32_t n_taps, uint8_t *y)
{
    const int8_t *weights = (const int8_t *)layer->weights;
    pairs_target target = {.of = layer->of, .y = y, .zero = 2 * layer->zero + 1};

    for (int32_t channel = 0; channel < layer->channels; channel += 4) {
        taps_multiply(taps, weights, channel, n_taps, &target);
        weights += 4 * n_taps;
    }
}

#endif
