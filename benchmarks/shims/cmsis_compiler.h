/* The compiler's part of CMSIS Core, for cores with the DSP extension: the intrinsics by their ACLE names. */
#ifndef CMSIS_COMPILER_H
#define CMSIS_COMPILER_H

#include <arm_acle.h>
#include <stdint.h>

#define __STATIC_FORCEINLINE static inline __attribute__((always_inline))
#define __STATIC_INLINE static inline
#define __ASM __asm
#define __ALIGNED(x) __attribute__((aligned(x)))
#define __WEAK __attribute__((weak))

#define __CLZ(x) ((uint8_t)__clz(x))
#define __ROR(x, n) __ror(x, n)
#define __SSAT(x, n) __ssat(x, n)
#define __USAT(x, n) __usat(x, n)
#define __QADD(x, y) __qadd(x, y)
#define __QSUB(x, y) __qsub(x, y)
#define __QADD8(x, y) ((uint32_t)__qadd8(x, y))
#define __QSUB8(x, y) ((uint32_t)__qsub8(x, y))
#define __QADD16(x, y) ((uint32_t)__qadd16(x, y))
#define __QSUB16(x, y) ((uint32_t)__qsub16(x, y))
#define __QASX(x, y) ((uint32_t)__qasx(x, y))
#define __QSAX(x, y) ((uint32_t)__qsax(x, y))
#define __SHADD16(x, y) ((uint32_t)__shadd16(x, y))
#define __SHSUB16(x, y) ((uint32_t)__shsub16(x, y))
#define __SHASX(x, y) ((uint32_t)__shasx(x, y))
#define __SHSAX(x, y) ((uint32_t)__shsax(x, y))
#define __SMUAD(x, y) ((uint32_t)__smuad(x, y))
#define __SMUADX(x, y) ((uint32_t)__smuadx(x, y))
#define __SMUSD(x, y) ((uint32_t)__smusd(x, y))
#define __SMUSDX(x, y) ((uint32_t)__smusdx(x, y))
#define __SMLAD(x, y, a) ((uint32_t)__smlad(x, y, a))
#define __SMLADX(x, y, a) ((uint32_t)__smladx(x, y, a))
#define __SMLSDX(x, y, a) ((uint32_t)__smlsdx(x, y, a))
#define __SMLALD(x, y, a) ((uint64_t)__smlald(x, y, a))
#define __SMLALDX(x, y, a) ((uint64_t)__smlaldx(x, y, a))
#define __SXTB16(x) ((uint32_t)__sxtb16(x))
#define __PKHBT(x, y, n) (((uint32_t)(x) & 0xFFFFu) | ((uint32_t)(y) << (n) & 0xFFFF0000u))
#define __PKHTB(x, y, n) (((uint32_t)(x) & 0xFFFF0000u) | ((uint32_t)((int32_t)(y) >> (n)) & 0xFFFFu))

static inline int32_t __SMMLA(int32_t x, int32_t y, int32_t sum)
{
    return sum + (int32_t)((int64_t)x * y >> 32);
}

#endif
