/* Models in double precision: no library, no fused operations, one order of additions. */
#include "precise.h"

/* 1 / k!, highest first. */
static const double exp_terms[] = {
    1.6059043836821613e-10, 2.08767569878681e-09, 2.505210838544172e-08, 2.755731922398589e-07,
    2.7557319223985893e-06, 2.48015873015873e-05, 0.0001984126984126984, 0.001388888888888889,
    0.008333333333333333, 0.041666666666666664, 0.16666666666666666, 0.5, 1.0, 1.0,
};

static double floor_small(double x)
{
    const double whole = (double)(int32_t)x;

    return whole > x ? whole - 1.0 : whole;
}

double precise_exp(double x)
{
    union {
        uint64_t bits;
        double value;
    } scale;
    double power = 0.0;

    if (x < -700.0) {
        return 0.0;
    }
    if (!(x < 700.0)) {
        x = 700.0;
    }
    const double whole = floor_small(x * 1.4426950408889634 + 0.5);
    const double rest = (x - whole * 0.693145751953125) - whole * 1.42860682030941723212e-6;
    for (uint32_t i = 0; i < sizeof exp_terms / sizeof exp_terms[0]; i++) {
        power = power * rest + exp_terms[i];
    }
    scale.bits = (uint64_t)((int32_t)whole + 1023) << 52;
    return power * scale.value;
}

void precise_features(const int16_t *x, int32_t n, double *values)
{
    for (int32_t i = 0; i < n; i++) {
        values[i] = x[i];
    }
}

void precise_dense(const double *x, const double *weights, const double *bias, int32_t n_in, int32_t n_out,
                   double *sums)
{
    for (int32_t row = 0; row < n_out; row++) {
        double sum = bias[row];

        for (int32_t i = 0; i < n_in; i++) {
            sum += x[i] * *weights++;
        }
        sums[row] = sum;
    }
}

void precise_relu(double *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        values[i] = values[i] > 0.0 ? values[i] : 0.0;
    }
}

void precise_logistic(double *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        values[i] = 1.0 / (1.0 + precise_exp(-values[i]));
    }
}

void precise_tanh(double *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        values[i] = 2.0 / (1.0 + precise_exp(-2.0 * values[i])) - 1.0;
    }
}

void precise_gaussian(const double *x, const double *mean, const double *half, int32_t n_in, int32_t n_values,
                      double *values)
{
    for (int32_t value = 0; value < n_values; value++) {
        double left = values[value];

        for (int32_t i = 0; i < n_in; i++) {
            const double apart = x[i] - *mean++;
            left -= apart * apart * *half++;
        }
        values[value] = left;
    }
}

void precise_quadratic(const double *x, const double *maps, const double *offsets, int32_t n_in, int32_t n_rows,
                       int32_t n_values, double *values)
{
    for (int32_t value = 0; value < n_values; value++) {
        double left = values[value];

        for (int32_t row = 0; row < n_rows; row++) {
            double mapped = *offsets++;

            for (int32_t i = 0; i < n_in; i++) {
                mapped += x[i] * *maps++;
            }
            left -= 0.5 * (mapped * mapped);
        }
        values[value] = left;
    }
}

static double machine_kernel(const precise_machine *machine, const double *x, int32_t vector)
{
    const double *row = machine->vectors + vector * machine->n_in;
    double total = 0.0;

    if (machine->degree == 0) {
        for (int32_t i = 0; i < machine->n_in; i++) {
            const double apart = x[i] - row[i];
            total += apart * apart * machine->metric[i];
        }
        return precise_exp(total * -machine->gamma);
    }
    for (int32_t i = 0; i < machine->n_in; i++) {
        total += x[i] * row[i];
    }
    const double argument = machine->gamma * (total + machine->offsets[vector]) + machine->coef0;
    double power = argument;
    for (int32_t degree = machine->degree; degree > 1; degree--) {
        power *= argument;
    }
    return power;
}

void precise_kernel(const precise_machine *machine, const double *x, double *values)
{
    const int32_t n_groups = machine->n_groups;
    int32_t vector = 0;

    for (int32_t group = 0; group < n_groups; group++) {
        for (int32_t left = machine->counts[group]; left > 0; left--, vector++) {
            const double kernel = machine_kernel(machine, x, vector);
            const double *coefficient = machine->coefficients + vector;

            if (n_groups == 1) {
                values[0] += *coefficient * kernel;
            }
            for (int32_t line = 0; line < n_groups - 1; line++, coefficient += machine->n_vectors) {
                const int32_t first = line >= group ? group : line;
                const int32_t second = line >= group ? line + 1 : group;
                const int32_t duel = first * (2 * n_groups - first - 1) / 2 + second - first - 1;

                values[duel] += *coefficient * kernel;
            }
        }
    }
}

void precise_sums(const double *values, int32_t n, double center, double scale, int64_t *sums)
{
    const double limit = 2305843009213693952.0;

    for (int32_t i = 0; i < n; i++) {
        const double scaled = (values[i] - center) * scale + 0.5;
        if (!(scaled < limit)) {
            sums[i] = (int64_t)1 << 61;
        } else if (scaled <= -limit) {
            sums[i] = -((int64_t)1 << 61);
        } else {
            const int64_t whole = (int64_t)scaled;
            sums[i] = (double)whole > scaled ? whole - 1 : whole;
        }
    }
}
