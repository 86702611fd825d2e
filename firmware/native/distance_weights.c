/* Nearest neighbours that count by how near they are, by exact integers. */
#include "distance_weights.h"

#include <stddef.h>

#include "integer_root.h"
#include "neighbors_scale.h"

/* Distances, or their squares, are brought up to below 2^ROOT_BITS, or its square. */
enum { ROOT_BITS = 31, WEIGHT_BITS = 15 };

static int64_t apart_int64(const int16_t *x, const int16_t *point, int32_t n, int32_t power)
{
    int64_t sum = 0;

    for (int32_t i = 0; i < n; i++) {
        const int32_t apart = x[i] < point[i] ? point[i] - x[i] : x[i] - point[i];
        sum += power == 2 ? (int64_t)apart * apart : apart;
    }
    return sum;
}

static int32_t places_free(uint64_t value, int32_t bits)
{
    int32_t free = 0;

    while (free < bits && value >> (bits - 1 - free) == 0) {
        free++;
    }
    return free;
}

void distance_weights(const neighbors_model *model, int32_t power, const int16_t *x, const uint16_t *nearest,
                      int32_t *weights)
{
    const int32_t n = model->n_neighbors;
    const int32_t stride = model->n_in + (model->n_in & 1);
    int16_t room[model->n_in];
    uint64_t apart[n];
    uint32_t least;

    if (model->factors != NULL) {
        neighbors_scale(model, x, room);
        x = room;
    }
    for (int32_t i = 0; i < n; i++) {
        apart[i] = (uint64_t)apart_int64(x, model->points + nearest[i] * stride, model->n_in, power);
    }
    if (apart[0] == 0) {
        for (int32_t i = 0; i < n; i++) {
            weights[i] = apart[i] == 0 ? 1 << WEIGHT_BITS : 0;
        }
        return;
    }
    const int32_t shift = power == 2 ? places_free(apart[n - 1], 2 * ROOT_BITS) & ~1
                                     : places_free(apart[n - 1], ROOT_BITS);
    for (int32_t i = 0; i < n; i++) {
        apart[i] <<= shift;
        apart[i] = power == 2 ? root_floor_u64(apart[i]) : apart[i];
    }
    least = (uint32_t)apart[0];
    for (int32_t i = 0; i < n; i++) {
        weights[i] = (int32_t)(((uint64_t)least << WEIGHT_BITS) / (uint32_t)apart[i]);
    }
}

int32_t weighted_vote(const uint8_t *classes, const uint16_t *nearest, const int32_t *weights,
                      int32_t n_neighbors, int32_t n_classes, int16_t *scores)
{
    int32_t total = 0;
    int32_t best = -1;
    int32_t winner = 0;

    for (int32_t i = 0; i < n_neighbors; i++) {
        total += weights[i];
    }
    for (int32_t c = 0; c < n_classes; c++) {
        int32_t sum = 0;

        for (int32_t i = 0; i < n_neighbors; i++) {
            sum += classes[nearest[i]] == c ? weights[i] : 0;
        }
        if (sum > best) {
            best = sum;
            winner = c;
        }
        scores[c] = (int16_t)((uint64_t)(uint32_t)sum * 32767u / (uint32_t)total);
    }
    return winner;
}

int32_t weighted_sum(const int32_t *values, const uint16_t *nearest, const int32_t *weights,
                     int32_t n_neighbors)
{
    int64_t sum = 0;
    int32_t total = 0;

    for (int32_t i = 0; i < n_neighbors; i++) {
        sum += (int64_t)values[nearest[i]] * weights[i];
        total += weights[i];
    }
    sum *= n_neighbors;
    return (int32_t)(sum / total);
}
