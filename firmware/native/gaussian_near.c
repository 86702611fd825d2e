/* Sums of gaussian_near.h: modulo 2^32 where they fit, in 64 bits where a row is unlike all training rows. */
#include "gaussian_near.h"

static inline int32_t chunk_length(const gaussian_near *model, int32_t first)
{
    const int32_t left = model->n_in - first;

    return left < GAUSSIAN_CHUNK ? left : GAUSSIAN_CHUNK;
}

/* Classes that a fixed feature rules out. */
static uint32_t classes_out(const gaussian_near *model, const int16_t *x)
{
    const gaussian_fixed *const end = model->fixed + model->n_fixed;
    uint32_t out = 0;

    for (const gaussian_fixed *fixed = model->fixed; fixed != end; fixed++) {
        if (x[fixed->feature] != fixed->value) {
            out |= fixed->classes;
        }
    }
    return out;
}

/* 0, with nothing of use in the sums, unless all of x is inside its range. */
static int32_t sums_near(const gaussian_near *model, const int16_t *x, uint32_t out, int64_t *sums)
{
    const int32_t n_classes = model->n_classes;
    const gaussian_range *range = model->ranges;
    const int32_t *terms = model->terms;
    int32_t z[GAUSSIAN_CHUNK];

    for (int32_t c = 0; c < n_classes; c++) {
        sums[c] = model->constants[c];
    }
    for (int32_t first = 0; first < model->n_in; first += GAUSSIAN_CHUNK) {
        int32_t n = chunk_length(model, first);

        for (int32_t *at = z, *const end = z + n; at != end; at++, x++, range++) {
            const uint32_t above = (uint32_t)(*x - range->low);

            if (above > range->span) {
                return 0;
            }
            *at = (int32_t)above;
        }
        if (n & 1) {
            z[n++] = 0;
        }
        for (int32_t c = 0; c < n_classes; c++, terms += 2 * n) {
            if (c < 32 && (out >> c & 1)) {
                sums[c] = GAUSSIAN_EXCLUDED;
            } else {
                sums[c] = (int32_t)((uint32_t)sums[c] - gaussian_near_terms(z, terms, n));
            }
        }
    }
    return 1;
}

static void sums_far(const gaussian_near *model, const int16_t *x, int64_t *sums)
{
    const int32_t n_classes = model->n_classes;
    const int32_t *terms = model->terms;

    for (int32_t c = 0; c < n_classes; c++) {
        sums[c] = model->constants[c];
    }
    for (int32_t first = 0; first < model->n_in; first += GAUSSIAN_CHUNK) {
        const int32_t n = chunk_length(model, first);

        for (int32_t c = 0; c < n_classes; c++) {
            for (int32_t i = first; i < first + n; i++, terms += 2) {
                const int64_t z = x[i] - model->ranges[i].low;

                sums[c] -= (terms[0] * z + terms[1]) * z;
            }
            terms += (n & 1) * 2;
        }
    }
}

/* How far x is from what a class has seen alone. */
static uint64_t class_apart(const gaussian_near *model, const int16_t *x, int32_t c)
{
    const gaussian_fixed *const end = model->fixed + model->n_fixed;
    uint64_t apart = 0;

    for (const gaussian_fixed *fixed = model->fixed; fixed != end; fixed++) {
        if (fixed->classes >> c & 1) {
            const uint32_t off = (uint32_t)(x[fixed->feature] - fixed->value);

            apart += off * off;
        }
    }
    return apart;
}

/* Takes off what a class loses by fixed features more than the one that loses least. */
static void sums_fixed(const gaussian_near *model, const int16_t *x, int64_t *sums)
{
    uint64_t least = UINT64_MAX;

    for (int32_t c = 0; c < model->n_classes; c++) {
        const uint64_t apart = class_apart(model, x, c);

        least = apart < least ? apart : least;
    }
    for (int32_t c = 0; c < model->n_classes; c++) {
        const uint64_t beyond = class_apart(model, x, c) - least;

        sums[c] -= (int64_t)(beyond < model->most_apart ? beyond : model->most_apart) * model->weight;
    }
}

void gaussian_near_sums(const gaussian_near *model, const int16_t *x, int64_t *sums)
{
    const uint32_t out = classes_out(model, x);
    const uint32_t all = model->n_classes < 32 ? (1u << model->n_classes) - 1 : 0xFFFFFFFFu;

    if (out != all && sums_near(model, x, out, sums)) {
        return;
    }
    sums_far(model, x, sums);
    if (model->n_fixed) {
        sums_fixed(model, x, sums);
    }
}
