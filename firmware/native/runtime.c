/* What compilers call: kernels are linked without a run-time library. Only what is called is linked in. */
#include "runtime.h"

#define USED __attribute__((used))
/* Or the compiler would make a call of the function itself out of its loop. */
#define PLAIN USED __attribute__((no_builtin))

PLAIN void *memset(void *to, int value, size_t length_bytes)
{
    for (uint8_t *at = to; length_bytes > 0; length_bytes--) {
        *at++ = (uint8_t)value;
    }
    return to;
}

/* By words or halfwords where both begin and end on one: rows of samples do. */
PLAIN void *memmove(void *to, const void *from, size_t length_bytes)
{
    const size_t odd = (uintptr_t)to | (uintptr_t)from | length_bytes;
    const size_t step = odd & 1 ? 1 : odd & 2 ? 2 : 4;
    const int32_t is_down = (uintptr_t)to <= (uintptr_t)from;
    size_t at = is_down ? 0 : length_bytes - step;

    for (size_t left = length_bytes; left > 0; left -= step) {
        if (step == 4) {
            *(uint32_t *)((uint8_t *)to + at) = *(const uint32_t *)((const uint8_t *)from + at);
        } else if (step == 2) {
            *(uint16_t *)((uint8_t *)to + at) = *(const uint16_t *)((const uint8_t *)from + at);
        } else {
            ((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
        }
        at += is_down ? step : -step;
    }
    return to;
}

PLAIN void *memcpy(void *restrict to, const void *restrict from, size_t length_bytes)
{
    return memmove(to, from, length_bytes);
}

/* Shifts and subtracts, from the highest bit that the quotient can have; 0 by a divisor of 0. */
uint64_t divide_unsigned(uint64_t left, uint64_t divisor, uint64_t *rest)
{
    uint64_t quotient = 0;
    int32_t shift = 0;

    if (divisor == 0 || left < divisor) {
        *rest = left;
        return 0;
    }
    if (left >> 32 == 0) {
        quotient = (uint32_t)left / (uint32_t)divisor;
        *rest = (uint32_t)left - (uint32_t)quotient * (uint32_t)divisor;
        return quotient;
    }
    while (shift < 63 && (int64_t)divisor > 0 && divisor << 1 <= left) {
        divisor <<= 1;
        shift++;
    }
    for (; shift >= 0; shift--) {
        quotient <<= 1;
        if (left >= divisor) {
            left -= divisor;
            quotient |= 1;
        }
        divisor >>= 1;
    }
    *rest = left;
    return quotient;
}

static uint64_t size_of(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* The rest has the sign of what was divided. */
int64_t divide_signed(int64_t left, int64_t divisor, int64_t *rest)
{
    uint64_t left_over;
    const uint64_t size = divide_unsigned(size_of(left), size_of(divisor), &left_over);

    *rest = left < 0 ? (int64_t)-left_over : (int64_t)left_over;
    return (left < 0) != (divisor < 0) ? (int64_t)-size : (int64_t)size;
}

#if !defined(__thumb__)

USED uint64_t __udivdi3(uint64_t left, uint64_t divisor)
{
    uint64_t rest;

    return divide_unsigned(left, divisor, &rest);
}

USED uint64_t __umoddi3(uint64_t left, uint64_t divisor)
{
    uint64_t rest;

    divide_unsigned(left, divisor, &rest);
    return rest;
}

USED int64_t __divdi3(int64_t left, int64_t divisor)
{
    int64_t rest;

    return divide_signed(left, divisor, &rest);
}

USED int64_t __moddi3(int64_t left, int64_t divisor)
{
    int64_t rest;

    divide_signed(left, divisor, &rest);
    return rest;
}

#endif
