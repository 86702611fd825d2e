/* The front end for motion of a model that is tables: the calls of a generated one, read from steps. */
#include "table_model.h"

void motion_table_init(void *state)
{
    window_init(state, midge_frontend.shape);
}

int32_t motion_table_push(void *state, const int16_t *block, int32_t n_samples)
{
    return window_push(state, midge_frontend.shape, block, n_samples);
}

int32_t motion_table_ready(const void *state)
{
    return window_ready(state, midge_frontend.shape);
}

static const int16_t *row_of(const void *state, int32_t row)
{
    return window_row(state, midge_frontend.shape, row);
}

static int16_t step_compute(const table_step *step, const void *state, motion_span over)
{
    const table_frontend *const of = &midge_frontend;
    const int16_t *const row = row_of(state, step->row) + over.first;
    const int32_t n = over.n;

    switch (step->form) {
    case TABLE_ROW:
        return ((int16_t(*)(const int16_t *, int32_t))step->function)(row, n);
    case TABLE_ROW_ONE:
        return ((int16_t(*)(const int16_t *, int32_t, int32_t))step->function)(row, n, step->more[0]);
    case TABLE_ROW_TWO:
        return ((int16_t(*)(const int16_t *, int32_t, int32_t, int32_t))step->function)(row, n, step->more[0],
                                                                                        step->more[1]);
    case TABLE_PAIR:
        return ((int16_t(*)(const int16_t *, const int16_t *, int32_t))step->function)(
            row, row_of(state, step->other) + over.first, n);
    case TABLE_TILT:
        return ((int16_t(*)(const int16_t *, const int16_t *, const int16_t *, const int16_t *, int32_t))
                    step->function)(row, row_of(state, of->x) + over.first, row_of(state, of->y) + over.first,
                                    row_of(state, of->z) + over.first, n);
    default:
        return (int16_t)n;
    }
}

void motion_table_features(void *state, int16_t *features)
{
    const table_frontend *const of = &midge_frontend;
    const int32_t length = of->shape->length;
    const int16_t *const x = row_of(state, of->x);
    const int16_t *const y = row_of(state, of->y);
    const int16_t *const z = row_of(state, of->z);
    motion_span all = {0, length};

    if (of->segment) {
        all = of->segment(x, y, z, length, of->segmenter);
    }
    for (int32_t i = 0; i < of->n_derived; i++) {
        int16_t *const row = (int16_t *)row_of(state, of->shape->n_rows + i);
        ((void (*)(const int16_t *, const int16_t *, const int16_t *, int32_t, int16_t *))of->derived[i].function)(
            x, y, z, length, row);
    }
    for (int32_t i = 0; i < of->n_steps; i++) {
        const table_step *const step = &of->steps[i];
        motion_span over = {step->first, step->n};

        if (of->segment) {
            over = step->part ? of->part(all, step->part, step->parts) : all;
        }
        features[step->feature] = step_compute(step, state, over);
    }
    if (of->spectra) {
        of->spectra(of, state, features);
    }
}
