/* Activations of hidden layers: int16 out of sums. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <stdint.h>

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

/* Of an argument with 12 fraction bits. */
int32_t tanh_q15(int32_t argument);

/* Of sum / 2^(12 + shift), Q15. */
int16_t activation_tanh(int32_t sum, int32_t shift);
int16_t activation_logistic(int32_t sum, int32_t shift);

#endif
