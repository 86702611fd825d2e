/* Steps of an FFT with both components in one instruction: the same bits as the plain C. */
#include "fft_steps.h"

#if defined(__ARM_FEATURE_DSP)

typedef int32_t pair;

static inline pair lower_upper(pair lower, pair upper)
{
    return (int32_t)(((uint32_t)lower & 0xFFFF) | ((uint32_t)upper & 0xFFFF0000));
}

/* Upper halves of two sums. */
static inline pair uppers(int32_t lower, int32_t upper)
{
    return (int32_t)(((uint32_t)lower >> 16) | ((uint32_t)upper & 0xFFFF0000));
}

/* Half of value times the conjugate of the twiddle, rounded. */
static inline pair twiddle_multiply(pair value, pair twiddle)
{
    return uppers(__builtin_arm_smlad(value, twiddle, 32768), __builtin_arm_smlsdx(twiddle, value, 32768));
}

static inline fft_word bits_add(fft_word all, pair value)
{
    return all | ((fft_word)value ^ (fft_word)value << 1);
}

int32_t fft_bits(const fft_word *data, int32_t n)
{
    fft_word all = 0;

    /* Where a bit differs from its neighbour below, the number needs it. */
    for (const fft_word *const end = data + n; data != end; data += 4) {
        all = bits_add(bits_add(bits_add(bits_add(all, data[0]), data[1]), data[2]), data[3]);
    }
    all = (all >> 16 | all) & 0xFFFE;
    return all == 0 ? 0 : 31 - __builtin_clz(all);
}

void fft_halve(fft_word *data, int32_t n)
{
    for (fft_word *const end = data + n; data != end; data++) {
        *data = __builtin_arm_shadd16(*data, 0);
    }
}

void fft_fours(fft_word *data, int32_t n)
{
    for (fft_word *const end = data + n; data != end; data += 4) {
        const pair t0 = __builtin_arm_shadd16(data[0], data[1]);
        const pair t1 = __builtin_arm_shsub16(data[0], data[1]);
        const pair t2 = __builtin_arm_shadd16(data[2], data[3]);
        const pair t3 = __builtin_arm_shsub16(data[2], data[3]);
        data[0] = __builtin_arm_shadd16(t0, t2);
        data[1] = __builtin_arm_shsax(t1, t3);
        data[2] = __builtin_arm_shsub16(t0, t2);
        data[3] = __builtin_arm_shasx(t1, t3);
    }
}

void fft_eights(fft_word *data, int32_t n)
{
    const pair w = 23170 << 16 | 23170;

    for (fft_word *const end = data + n; data != end; data += 8) {
        pair t0 = __builtin_arm_shadd16(data[4], data[5]);
        pair t1 = __builtin_arm_shsub16(data[4], data[5]);
        pair t2 = __builtin_arm_shadd16(data[6], data[7]);
        pair t3 = __builtin_arm_shsub16(data[6], data[7]);
        const pair odd0 = __builtin_arm_shadd16(__builtin_arm_shadd16(t0, t2), 0);
        const pair odd1 = twiddle_multiply(__builtin_arm_shsax(t1, t3), w);
        const pair odd2 = __builtin_arm_shadd16(__builtin_arm_shsub16(t0, t2), 0);
        pair odd3 = __builtin_arm_shasx(t1, t3);
        odd3 = uppers(__builtin_arm_smlsdx(w, odd3, 32768), 32768 - __builtin_arm_smuad(w, odd3));
        t0 = __builtin_arm_shadd16(data[0], data[1]);
        t1 = __builtin_arm_shsub16(data[0], data[1]);
        t2 = __builtin_arm_shadd16(data[2], data[3]);
        t3 = __builtin_arm_shsub16(data[2], data[3]);
        const pair even0 = __builtin_arm_shadd16(__builtin_arm_shadd16(t0, t2), 0);
        const pair even1 = __builtin_arm_shadd16(__builtin_arm_shsax(t1, t3), 0);
        const pair even2 = __builtin_arm_shadd16(__builtin_arm_shsub16(t0, t2), 0);
        const pair even3 = __builtin_arm_shadd16(__builtin_arm_shasx(t1, t3), 0);
        data[0] = __builtin_arm_shadd16(even0, odd0);
        data[1] = __builtin_arm_shadd16(even1, odd1);
        data[2] = __builtin_arm_shsax(even2, odd2);
        data[3] = __builtin_arm_shadd16(even3, odd3);
        data[4] = __builtin_arm_shsub16(even0, odd0);
        data[5] = __builtin_arm_shsub16(even1, odd1);
        data[6] = __builtin_arm_shasx(even2, odd2);
        data[7] = __builtin_arm_shsub16(even3, odd3);
    }
}

void fft_join(fft_word *data, int32_t n, int32_t quarter, int32_t is_by_four, const fft_word *twiddles)
{
    const fft_word *const end = data + n;

    for (; data != end; data += 3 * quarter) {
        const fft_word *factor = twiddles;
        for (const fft_word *const group_end = data + quarter; data != group_end; data++) {
            fft_word *const x1 = data + quarter;
            fft_word *const x2 = x1 + quarter;
            fft_word *const x3 = x2 + quarter;
            const pair b = twiddle_multiply(*x2, factor[0]);
            const pair c = twiddle_multiply(*x1, factor[2]);
            const pair d = twiddle_multiply(*x3, factor[1]);
            const pair a = __builtin_arm_shadd16(*data, 0);
            const pair t0 = __builtin_arm_sadd16(a, c);
            const pair t1 = __builtin_arm_ssub16(a, c);
            const pair t2 = __builtin_arm_sadd16(b, d);
            const pair t3 = __builtin_arm_ssub16(b, d);
            if (is_by_four) {
                *data = __builtin_arm_shadd16(t0, t2);
                *x1 = __builtin_arm_shsax(t1, t3);
                *x2 = __builtin_arm_shsub16(t0, t2);
                *x3 = __builtin_arm_shasx(t1, t3);
            } else {
                *data = __builtin_arm_sadd16(t0, t2);
                *x1 = __builtin_arm_ssax(t1, t3);
                *x2 = __builtin_arm_ssub16(t0, t2);
                *x3 = __builtin_arm_sasx(t1, t3);
            }
            factor += 3;
        }
    }
}

void fft_split(fft_word *data, int32_t n, const fft_word *twiddles)
{
    fft_word *up = data + 1;
    fft_word *down = data + n - 1;

    for (; up < down; up++, down--, twiddles++) {
        const pair sum = __builtin_arm_sadd16(*up, *down);
        const pair difference = __builtin_arm_ssub16(*up, *down);
        const pair odd = lower_upper(difference, sum);
        const pair even = __builtin_arm_shadd16(lower_upper(sum, difference), 0);
        const pair turned_odd = uppers(__builtin_arm_smlsdx(*twiddles, odd, 32768),
                                       __builtin_arm_smlad(*twiddles, odd, 32768));
        const pair a = __builtin_arm_sadd16(even, turned_odd);
        const pair b = __builtin_arm_ssub16(even, turned_odd);
        *up = lower_upper(a, b);
        *down = lower_upper(b, __builtin_arm_ssub16(0, a));
    }
}

#endif
