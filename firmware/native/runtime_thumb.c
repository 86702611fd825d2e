/* What compilers call on Arm: Run-time ABI for the Arm Architecture (IHI 0043), 'Standardized compiler helper functions'.
 * A division by 0 gives 0, as the cores' instruction does. */
#if defined(__thumb__)

#include "runtime.h"

#define USED __attribute__((used))
/* Or the compiler would make a call of the function itself out of its loop. */
#define PLAIN USED __attribute__((no_builtin))

PLAIN void __aeabi_memclr4(void *to, size_t length_bytes)
{
    uint32_t *word = to;

    for (; length_bytes >= sizeof *word; length_bytes -= sizeof *word) {
        *word++ = 0;
    }
    memset(word, 0, length_bytes);
}

PLAIN void __aeabi_memclr8(void *to, size_t length_bytes) { __aeabi_memclr4(to, length_bytes); }
PLAIN void __aeabi_memclr(void *to, size_t length_bytes) { memset(to, 0, length_bytes); }
PLAIN void __aeabi_memset(void *to, size_t length_bytes, int value) { memset(to, value, length_bytes); }
PLAIN void __aeabi_memset4(void *to, size_t length_bytes, int value) { memset(to, value, length_bytes); }
PLAIN void __aeabi_memcpy(void *to, const void *from, size_t length_bytes) { memmove(to, from, length_bytes); }
PLAIN void __aeabi_memcpy4(void *to, const void *from, size_t length_bytes) { memmove(to, from, length_bytes); }
PLAIN void __aeabi_memmove(void *to, const void *from, size_t length_bytes) { memmove(to, from, length_bytes); }
PLAIN void __aeabi_memmove4(void *to, const void *from, size_t length_bytes) { memmove(to, from, length_bytes); }

/* Quotient in r0 and r1, rest in r2 and r3, which C can't say; the rest's address is an argument on the stack. */
#define DIVIDE_BY(function) \
    "push {r4, lr}\n"       \
    "sub sp, #16\n"         \
    "add r4, sp, #8\n"      \
    "str r4, [sp]\n"        \
    "bl " function "\n"     \
    "ldr r2, [sp, #8]\n"    \
    "ldr r3, [sp, #12]\n"   \
    "add sp, #16\n"         \
    "pop {r4, pc}\n"

USED __attribute__((naked)) uint64_t __aeabi_uldivmod(uint64_t left, uint64_t divisor)
{
    __asm__ volatile(DIVIDE_BY("divide_unsigned"));
}

USED __attribute__((naked)) int64_t __aeabi_ldivmod(int64_t left, int64_t divisor)
{
    __asm__ volatile(DIVIDE_BY("divide_signed"));
}

#if !defined(__thumb2__) /* ARMv6-M: no division, no long multiplication */

static uint64_t pair(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

/* Quotient, and the rest in the upper word. */
USED uint64_t __aeabi_uidivmod(uint32_t left, uint32_t divisor)
{
    uint32_t bit = 1;
    uint32_t quotient = 0;

    if (divisor == 0) {
        return pair(0, left);
    }
    while (divisor < left && divisor >> 31 == 0) {
        divisor <<= 1;
        bit <<= 1;
    }
    for (; bit != 0; bit >>= 1) {
        if (left >= divisor) {
            left -= divisor;
            quotient |= bit;
        }
        divisor >>= 1;
    }
    return pair(quotient, left);
}

USED uint32_t __aeabi_uidiv(uint32_t left, uint32_t divisor) { return (uint32_t)__aeabi_uidivmod(left, divisor); }

USED uint64_t __aeabi_idivmod(int32_t left, int32_t divisor)
{
    const uint32_t size = left < 0 ? -(uint32_t)left : (uint32_t)left;
    const uint64_t found = __aeabi_uidivmod(size, divisor < 0 ? -(uint32_t)divisor : (uint32_t)divisor);
    const uint32_t quotient = (uint32_t)found;
    const uint32_t rest = (uint32_t)(found >> 32);

    return pair((left < 0) != (divisor < 0) ? -quotient : quotient, left < 0 ? -rest : rest);
}

USED int32_t __aeabi_idiv(int32_t left, int32_t divisor) { return (int32_t)__aeabi_idivmod(left, divisor); }

/* Modulo 2^64: of the lower words all four partial products of their halves. */
USED uint64_t __aeabi_lmul(uint64_t a, uint64_t b)
{
    const uint32_t a_low = (uint32_t)a;
    const uint32_t b_low = (uint32_t)b;
    const uint32_t low = (a_low & 0xFFFF) * (b_low & 0xFFFF);
    const uint32_t first = (a_low >> 16) * (b_low & 0xFFFF) + (low >> 16);
    const uint32_t second = (a_low & 0xFFFF) * (b_low >> 16) + (first & 0xFFFF);
    const uint32_t high = (a_low >> 16) * (b_low >> 16) + (first >> 16) + (second >> 16);

    return pair(second << 16 | (low & 0xFFFF), high + (uint32_t)(a >> 32) * b_low + a_low * (uint32_t)(b >> 32));
}

USED uint64_t __aeabi_llsl(uint64_t value, int32_t by)
{
    const uint32_t low = (uint32_t)value;

    if (by >= 32) {
        return pair(0, low << (by - 32));
    }
    return by == 0 ? value : pair(low << by, (uint32_t)(value >> 32) << by | low >> (32 - by));
}

USED uint64_t __aeabi_llsr(uint64_t value, int32_t by)
{
    const uint32_t high = (uint32_t)(value >> 32);

    if (by >= 32) {
        return pair(high >> (by - 32), 0);
    }
    return by == 0 ? value : pair((uint32_t)value >> by | high << (32 - by), high >> by);
}

USED int64_t __aeabi_lasr(int64_t value, int32_t by)
{
    const int32_t high = (int32_t)(value >> 32);

    if (by >= 32) {
        return (int64_t)pair((uint32_t)(high >> (by - 32)), (uint32_t)(high >> 31));
    }
    return by == 0 ? value
                   : (int64_t)pair((uint32_t)value >> by | (uint32_t)high << (32 - by), (uint32_t)(high >> by));
}

#endif
#endif
