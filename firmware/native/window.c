/* The sliding window of a front end: linear rows, moved down by one hop when the next sample comes.
 *
 * A ring would save that move (a few hundred instructions a hop) and cost every statistic a wrap test a sample. */
#include "window.h"

#include <string.h>

#include "motion.h"

static int16_t *row_begin(void *state, const window_shape *shape, int32_t row)
{
    return (int16_t *)((window_state *)state + 1) + row * shape->length;
}

const int16_t *window_row(const void *state, const window_shape *shape, int32_t row)
{
    return (const int16_t *)((const window_state *)state + 1) + row * shape->length;
}

void window_init(void *state, const window_shape *shape)
{
    window_state *head = state;

    head->magic = shape->magic;
    head->filled = 0;
    head->skip = 0;
    head->unused = 0;
}

int32_t window_check(const void *state, const window_shape *shape)
{
    const window_state *head = state;

    return head->magic == shape->magic && head->filled >= 0 && head->filled <= shape->length && head->skip >= 0;
}

int32_t window_ready(const void *state, const window_shape *shape)
{
    if (!window_check(state, shape)) {
        return -1;
    }
    return ((const window_state *)state)->filled == shape->length;
}

/* Drops the oldest samples, one hop of them. */
static void window_advance(window_state *head, const window_shape *shape)
{
    int32_t kept = shape->length - shape->hop;

    if (kept <= 0) {
        head->filled = 0;
        head->skip = -kept;
        return;
    }
    for (int32_t row = 0; row < shape->n_rows; row++) {
        int16_t *begin = row_begin(head, shape, row);
        memmove(begin, begin + shape->hop, (size_t)kept * sizeof(int16_t));
    }
    head->filled = kept;
}

int32_t window_push(void *state, const window_shape *shape, const int16_t *block, int32_t n_samples)
{
    window_state *head = state;
    int32_t skipped = 0;
    int32_t taken;

    if (!window_check(state, shape)) {
        return -1;
    }
    if (n_samples <= 0) {
        return 0;
    }
    if (head->filled == shape->length) {
        window_advance(head, shape);
    }
    if (head->skip > 0) {
        skipped = head->skip < n_samples ? head->skip : n_samples;
        head->skip -= skipped;
        block += skipped * shape->n_channels;
        n_samples -= skipped;
    }
    taken = shape->length - head->filled;
    if (n_samples < taken) {
        taken = n_samples;
    }
    for (int32_t row = 0; row < shape->n_rows; row++) {
        int16_t *to = row_begin(head, shape, row) + head->filled;
        uint32_t source = shape->row_sources[row];
        const int16_t *from = block;

        if (source == WINDOW_MAGNITUDE || source == WINDOW_ROTATION) {
            from += source == WINDOW_ROTATION ? 3 : 0;
            for (int32_t i = 0; i < taken; i++, from += shape->n_channels) {
                to[i] = motion_magnitude(from);
            }
        } else {
            from += source;
            for (int32_t i = 0; i < taken; i++, from += shape->n_channels) {
                to[i] = *from;
            }
        }
    }
    head->filled += taken;
    return skipped + taken;
}
