/* Support-vector machines: kernels of a row with all vectors, weighed and added up. */
#include "kernel.h"

#include "dense.h"
#include "exponential.h"

/* Writes the kernels of `n` vectors with y; is_narrow: their dot products fit 32 bits. */
typedef void (*kernel_write)(const kernel_machine *machine, const int16_t *x, int64_t norm, int32_t is_narrow,
                             const int16_t *vectors, const int32_t *bases, int32_t n, int16_t *kernels);

static int64_t shift_right(int64_t value, int32_t shift)
{
    if (shift >= 0) {
        return value >> (shift < 62 ? shift : 62);
    }
    return value << (-shift < 15 ? -shift : 15);
}

/* Features on the vectors' scale. */
static void features_scale(const kernel_machine *machine, const int16_t *x, int16_t *y)
{
    const int32_t shift = machine->factor_shift;
    const int32_t half = 1 << shift >> 1;

    for (int32_t i = 0; i < machine->n_in; i++) {
        const int32_t product = (x[i] - machine->centers[i]) * machine->factors[i];
        /* The half may not fit beside the largest product. */
        const int32_t scaled = (product >> shift) + (((product & ((1 << shift) - 1)) + half) >> shift);
        y[i] = (int16_t)(scaled > 32767 ? 32767 : scaled < -32767 ? -32767 : scaled);
    }
}

static int64_t dot_wide(const int16_t *x, const int16_t *vector, int32_t n, int32_t base)
{
    int64_t sum = base;

    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)(x[i] * vector[i]);
    }
    return sum;
}

/* The coefficients of class `group` against the others, each to the sum of its duel. */
static void lines_add(const int32_t *lines, int32_t group, int32_t n_groups, int32_t *sums)
{
    if (n_groups < 3) {
        sums[0] += lines[0];
        return;
    }
    int32_t *duel = sums + group - 1;
    for (int32_t other = 0; other < group; other++) {
        *duel += lines[other];
        duel += n_groups - other - 2;
    }
    duel++;
    for (int32_t other = group; other < n_groups - 1; other++) {
        *duel++ += lines[other];
    }
}

static void machine_sum(const kernel_machine *machine, const int16_t *x, int64_t norm, int32_t is_narrow,
                        kernel_write write, int32_t *sums)
{
    const int32_t n_lines = machine->n_groups > 2 ? machine->n_groups - 1 : 1;
    const int32_t stride = machine->n_in + (machine->n_in & 1);
    const int16_t *vectors = machine->vectors;
    const int16_t *coefficients = machine->coefficients;
    const int32_t *bases = machine->bases;
    int32_t lines[n_lines];
    int16_t kernels[KERNEL_CHUNK] __attribute__((aligned(4)));

    for (int32_t i = 0; i < machine->n_values; i++) {
        sums[i] = machine->bias[i];
    }
    for (int32_t group = 0; group < machine->n_groups; group++) {
        for (int32_t i = 0; i < n_lines; i++) {
            lines[i] = 0;
        }
        for (int32_t left = machine->counts[group]; left > 0; left -= KERNEL_CHUNK) {
            const int32_t n = left < KERNEL_CHUNK ? left : KERNEL_CHUNK;
            write(machine, x, norm, is_narrow, vectors, bases, n, kernels);
            dense_int16(kernels, coefficients, lines, n, n_lines, lines);
            vectors += n * stride;
            bases += n;
            coefficients += n_lines * (n + (n & 1));
        }
        lines_add(lines, group, machine->n_groups, sums);
    }
}

/* 1.0 becomes 32767. */
static inline int16_t power_q15(uint32_t power)
{
    return (int16_t)((power - (power >> 16)) >> 1);
}

/* exponent_uint32 with its shift taken apart beforehand: this loop is most of the work beside the dot products. */
static void rbf_write_narrow(const kernel_machine *machine, int32_t norm, const int32_t *dots, int32_t n,
                             int16_t *kernels)
{
    const int32_t shift = machine->shift;
    const int32_t right = shift < 0 ? 0 : shift < 31 ? shift : 31;
    const int32_t left = shift >= 0 ? 0 : shift > -20 ? -shift : 20;
    const uint32_t most = (uint32_t)EXPONENT_LARGEST >> left;

    for (; n > 0; n--) {
        const int32_t distance = norm - *dots++;
        const uint32_t sum = (uint32_t)(distance > 0 ? distance : 0) >> right;
        *kernels++ = power_q15(negative_power_inline(sum > most ? EXPONENT_LARGEST : sum << left));
    }
}

static void rbf_write(const kernel_machine *machine, const int16_t *x, int64_t norm, int32_t is_narrow,
                      const int16_t *vectors, const int32_t *bases, int32_t n, int16_t *kernels)
{
    int32_t dots[KERNEL_CHUNK];

    if (is_narrow) {
        dense_int16(x, vectors, bases, machine->n_in, n, dots);
        rbf_write_narrow(machine, (int32_t)norm, dots, n, kernels);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        const int64_t distance = norm - dot_wide(x, vectors, machine->n_in, bases[i]);
        const uint32_t exponent = distance > 0 ? exponent_uint64((uint64_t)distance, machine->shift) : 0;
        kernels[i] = power_q15(negative_power(exponent));
        vectors += machine->n_in + (machine->n_in & 1);
    }
}

void kernel_rbf_sums(const kernel_machine *machine, const int16_t *x, int32_t *sums)
{
    int16_t y[machine->n_in] __attribute__((aligned(4)));
    uint64_t squares = 0;

    features_scale(machine, x, y);
    for (int32_t i = 0; i < machine->n_in; i++) {
        squares += (uint32_t)(y[i] * y[i]);
    }
    const int64_t norm = shift_right((int64_t)(squares * machine->norm_factor), machine->norm_shift);
    machine_sum(machine, y, norm, norm < machine->narrow, rbf_write, sums);
}

static void poly_write(const kernel_machine *machine, const int16_t *x, int64_t norm, int32_t is_narrow,
                       const int16_t *vectors, const int32_t *bases, int32_t n, int16_t *kernels)
{
    int32_t dots[KERNEL_CHUNK];

    (void)norm;
    if (is_narrow) {
        dense_int16(x, vectors, bases, machine->n_in, n, dots);
    }
    for (int32_t i = 0; i < n; i++) {
        const int64_t dot = is_narrow ? dots[i] : dot_wide(x, vectors, machine->n_in, bases[i]);
        const int64_t wide = shift_right(dot, machine->shift);
        const int32_t argument = wide > 32767 ? 32767 : wide < -32767 ? -32767 : (int32_t)wide;
        int32_t power = argument;
        for (int32_t degree = machine->degree; degree > 1; degree--) {
            power = (power * argument + (1 << 14)) >> 15;
        }
        kernels[i] = (int16_t)power;
        vectors += machine->n_in + (machine->n_in & 1);
    }
}

void kernel_poly_sums(const kernel_machine *machine, const int16_t *x, int32_t *sums)
{
    int16_t y[machine->n_in] __attribute__((aligned(4)));
    int64_t size = 0;

    features_scale(machine, x, y);
    for (int32_t i = 0; i < machine->n_in; i++) {
        size += y[i] < 0 ? -y[i] : y[i];
    }
    machine_sum(machine, y, 0, size < machine->narrow, poly_write, sums);
}
