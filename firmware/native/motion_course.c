/* The stretch of motion in a window, and the course of a row over it: see motion.h. */
#include "motion.h"

static int32_t distance(int32_t a, int32_t b)
{
    return a < b ? b - a : a - b;
}

/* How far the hand moved the sensor in `step` samples up to sample i; nothing before the row. */
static int32_t motion_at(const int16_t *x, const int16_t *y, const int16_t *z, int32_t i, int32_t step)
{
    const int32_t before = i - step;

    return distance(x[i], x[before]) + distance(y[i], y[before]) + distance(z[i], z[before]);
}

/* Walks over the sums of motion: from sample to sample one comes in and one goes out. */
typedef struct {
    const int16_t *x;
    const int16_t *y;
    const int16_t *z;
    int32_t n;
    int32_t step;
    int32_t half;
    int32_t sum;
} motion_walk;

static int32_t walk_to(motion_walk *walk, int32_t i)
{
    const int32_t in = i + walk->half;
    const int32_t out = i - walk->half - 1;

    if (in >= walk->step && in < walk->n) {
        walk->sum += motion_at(walk->x, walk->y, walk->z, in, walk->step);
    }
    if (out >= walk->step) {
        walk->sum -= motion_at(walk->x, walk->y, walk->z, out, walk->step);
    }
    return walk->sum;
}

static motion_walk walk_start(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n,
                              const motion_segmenter *by)
{
    motion_walk walk = {x, y, z, n, by->step, by->smooth / 2, 0};

    for (int32_t i = -walk.half; i < 0; i++) {
        walk_to(&walk, i);
    }
    return walk;
}

motion_span motion_segment(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n,
                           const motion_segmenter *by)
{
    motion_span found = {0, n};
    motion_walk walk = walk_start(x, y, z, n, by);
    int32_t most = 0;
    int32_t peak = 0;
    int32_t bar;
    int32_t first = -1;
    int32_t last = 0;

    for (int32_t i = 0; i < n; i++) {
        const int32_t sum = walk_to(&walk, i);
        if (sum > most) {
            most = sum;
            peak = i;
        }
    }
    /* Distances are below 2^18: 2^12 of them can be added up. */
    bar = (most >> 8) * by->share + (((most & 255) * by->share) >> 8);
    if (bar < by->floor * by->smooth) {
        bar = by->floor * by->smooth;
    }
    if (most < bar || most == 0) {
        return found;
    }
    walk = walk_start(x, y, z, n, by);
    for (int32_t i = 0; i < n; i++) {
        if (walk_to(&walk, i) < bar) {
            continue;
        }
        if (first < 0 || i - last > by->join) {
            if (first >= 0 && last >= peak) {
                break;
            }
            first = i;
        }
        last = i;
    }
    first -= by->margin;
    last += by->margin;
    found.first = first < 0 ? 0 : first;
    found.n = (last < n ? last + 1 : n) - found.first;
    return found;
}

motion_span motion_part(motion_span whole, int32_t part, int32_t parts)
{
    const int32_t begin = (part - 1) * whole.n / parts;
    const int32_t end = (part * whole.n + parts - 1) / parts;
    const motion_span span = {whole.first + begin, end - begin};

    return span;
}

int16_t motion_course(const int16_t *samples, int32_t n, int32_t part, int32_t parts)
{
    /* In parts-ths of a sample: the part is n of them long, a sample `parts`. */
    const int32_t begin = (part - 1) * n;
    const int32_t end = part * n;
    int32_t sum = 0;

    for (int32_t i = begin / parts; i * parts < end; i++) {
        const int32_t from = i * parts < begin ? begin : i * parts;
        const int32_t to = (i + 1) * parts > end ? end : (i + 1) * parts;
        sum += samples[i] * (to - from);
    }
    /* floor((2 sum + n) / 2 n); |2 sum| <= 2^30 */
    sum = 2 * sum + n;
    return (int16_t)(sum >= 0 ? sum / (2 * n) : -((2 * n - 1 - sum) / (2 * n)));
}
