/* Spectral features of a front end that is tables: one transform a row. */
#include "table_model.h"

void table_spectra(const table_frontend *frontend, void *state, int16_t *features)
{
    int16_t *const scratch = (int16_t *)((uint8_t *)state + frontend->rows_bytes);
    uint32_t *const power = (uint32_t *)(scratch + (1 << frontend->log2_fft));
    const table_step *const end = frontend->spectral + frontend->n_spectral;
    int32_t row = -1;
    spectrum of = {0};

    for (const table_step *step = frontend->spectral; step != end; step++) {
        if (row != step->row) {
            row = step->row;
            of = spectrum_of(window_row(state, frontend->shape, row), frontend->shape->length, frontend->log2_fft,
                             frontend->transform, scratch, power);
        }
        if (step->form == TABLE_BAND) {
            features[step->feature] = ((int16_t(*)(const spectrum *, int32_t, int32_t))step->function)(
                &of, step->more[0], step->more[1]);
        } else {
            features[step->feature] =
                ((int16_t(*)(const spectrum *, int32_t))step->function)(&of, step->more[0]);
        }
    }
}
