/* The nearest of many points, by exact integers. */
#include "neighbors.h"

#include <stddef.h>

#include "dense.h"
#include "neighbors_scale.h"

/* Puts a point in its place among the nearest so far: behind those that are as close. */
#define NEIGHBORS_KEEP(width)                                                                                  \
    static void keep_##width(width##_t closeness, int32_t number, width##_t *best, uint16_t *nearest, int32_t n) \
    {                                                                                                          \
        int32_t at = n - 1;                                                                                    \
                                                                                                               \
        for (; at > 0 && best[at - 1] < closeness; at--) {                                                     \
            best[at] = best[at - 1];                                                                           \
            nearest[at] = nearest[at - 1];                                                                     \
        }                                                                                                      \
        best[at] = closeness;                                                                                  \
        nearest[at] = (uint16_t)number;                                                                        \
    }

NEIGHBORS_KEEP(int32)
NEIGHBORS_KEEP(int64)

static void euclidean_narrow(const neighbors_model *model, const int16_t *y, uint16_t *nearest)
{
    const int32_t n = model->n_neighbors;
    const int32_t stride = model->n_in + (model->n_in & 1);
    const int16_t *points = model->points;
    const int32_t *length = model->lengths;
    int32_t best[n];
    int32_t dots[NEIGHBORS_CHUNK];

    for (int32_t i = 0; i < n; i++) {
        best[i] = INT32_MIN;
        nearest[i] = 0;
    }
    for (int32_t first = 0; first < model->n_points; first += NEIGHBORS_CHUNK) {
        const int32_t left = model->n_points - first;
        const int32_t count = left < NEIGHBORS_CHUNK ? left : NEIGHBORS_CHUNK;

        dense_int16(y, points, model->zeros, model->n_in, count, dots);
        for (int32_t i = 0; i < count; i++) {
            const int32_t closeness = 2 * dots[i] - *length++;
            if (closeness > best[n - 1]) {
                keep_int32(closeness, first + i, best, nearest, n);
            }
        }
        points += count * stride;
    }
}

static void euclidean_wide(const neighbors_model *model, const int16_t *y, uint16_t *nearest)
{
    const int32_t n = model->n_neighbors;
    const int32_t stride = model->n_in + (model->n_in & 1);
    const int16_t *point = model->points;
    int64_t best[n];

    for (int32_t i = 0; i < n; i++) {
        best[i] = INT64_MIN;
        nearest[i] = 0;
    }
    for (int32_t number = 0; number < model->n_points; number++, point += stride) {
        int64_t dot = 0;

        for (int32_t i = 0; i < model->n_in; i++) {
            dot += (int32_t)(y[i] * point[i]);
        }
        const int64_t closeness = 2 * dot - model->squares[number];
        if (closeness > best[n - 1]) {
            keep_int64(closeness, number, best, nearest, n);
        }
    }
}

static int32_t values_are_within(const int16_t *y, int32_t n, int32_t limit)
{
    for (int32_t i = 0; i < n; i++) {
        if (y[i] > limit || y[i] < -limit) {
            return 0;
        }
    }
    return 1;
}

void neighbors_euclidean(const neighbors_model *model, const int16_t *x, uint16_t *nearest)
{
    int16_t room[model->n_in] __attribute__((aligned(4)));

    if (model->factors != NULL || ((uintptr_t)x & 3) != 0) {
        if (model->factors != NULL) {
            neighbors_scale(model, x, room);
        } else {
            for (int32_t i = 0; i < model->n_in; i++) {
                room[i] = x[i];
            }
        }
        x = room;
    }
    if (model->narrow >= 32768 || values_are_within(x, model->n_in, model->narrow)) {
        euclidean_narrow(model, x, nearest);
    } else {
        euclidean_wide(model, x, nearest);
    }
}

void neighbors_manhattan(const neighbors_model *model, const int16_t *x, uint16_t *nearest)
{
    const int32_t n = model->n_neighbors;
    const int32_t stride = model->n_in + (model->n_in & 1);
    const int16_t *point = model->points;
    int16_t room[model->n_in];
    int32_t best[n];

    if (model->factors != NULL) {
        neighbors_scale(model, x, room);
        x = room;
    }
    for (int32_t i = 0; i < n; i++) {
        best[i] = INT32_MIN;
        nearest[i] = 0;
    }
    for (int32_t number = 0; number < model->n_points; number++, point += stride) {
        int32_t closeness = 0;

        for (int32_t i = 0; i < model->n_in; i++) {
            const int32_t apart = x[i] - point[i];
            closeness -= apart < 0 ? -apart : apart;
        }
        if (closeness > best[n - 1]) {
            keep_int32(closeness, number, best, nearest, n);
        }
    }
}
