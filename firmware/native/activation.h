/* Activations of hidden layers: int16 out of sums. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <stdint.h>

/* ARMv6-M, Thumb without the 32-bit instructions: there generated nets bring their own layers. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
#define ACTIVATION_IS_THUMB1 1
#else
#define ACTIVATION_IS_THUMB1 0
#endif

static inline int16_t activation_relu(int32_t sum, int32_t shift)
{
#if defined(__ARM_FEATURE_SAT)
    return (int16_t)__builtin_arm_usat(sum >> shift, 15);
#else
    sum >>= shift;
    return (int16_t)(sum < 0 ? 0 : sum > 32767 ? 32767 : sum);
#endif
}

static inline int16_t activation_identity(int32_t sum, int32_t shift)
{
    sum >>= shift;
    return (int16_t)(sum < -32768 ? -32768 : sum > 32767 ? 32767 : sum);
}

/* Of n sums; values begins on a word. Inline, so that the shift is a constant. */
static inline void activation_relu_all(const int32_t *sums, int32_t n, int32_t shift, int16_t *values)
{
    const int16_t *const end = values + n;

#if defined(__ARM_FEATURE_DSP)
    typedef uint32_t __attribute__((may_alias)) pair;
    pair *pairs = (pair *)values;

    for (const int16_t *const whole = values + (n & ~3); (int16_t *)pairs != whole; pairs += 2, sums += 4) {
        const pair lower = (uint32_t)__builtin_arm_usat(sums[0] >> shift, 15);
        const pair upper = (uint32_t)__builtin_arm_usat(sums[2] >> shift, 15);
        pairs[0] = lower | (uint32_t)__builtin_arm_usat(sums[1] >> shift, 15) << 16;
        pairs[1] = upper | (uint32_t)__builtin_arm_usat(sums[3] >> shift, 15) << 16;
    }
    values = (int16_t *)pairs;
#endif
    for (; values != end; values++) {
        *values = activation_relu(*sums++, shift);
    }
}

/* Of an argument with 12 fraction bits. */
int32_t tanh_q15(int32_t argument);

/* Of sum / 2^(12 + shift), Q15. */
int16_t activation_tanh(int32_t sum, int32_t shift);
int16_t activation_logistic(int32_t sum, int32_t shift);

#endif
