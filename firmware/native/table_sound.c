/* The front end for sound of a model that is tables: the calls of a generated one, read from steps. */
#include "table_model.h"

#include <stddef.h>

void sound_table_init(void *state)
{
    sound_init(state, midge_sound.shape);
}

int32_t sound_table_push(void *state, const int16_t *block, int32_t n_samples)
{
    return sound_push(state, midge_sound.shape, block, n_samples);
}

int32_t sound_table_ready(const void *state)
{
    return sound_ready(state, midge_sound.shape);
}

void sound_table_features(void *state, int16_t *features)
{
    const table_sound *const of = &midge_sound;
    const int32_t n_frames = of->shape->n_frames;
    int16_t *const loudness = sound_scratch(state, of->shape);
    int16_t *const room = of->rows_at != of->room_at ? loudness + of->room_at : NULL;
    int16_t *const rows = loudness + of->rows_at;
    const sound_levels levels = {sound_frames(state, of->shape), n_frames, of->n_bands, room};
    sound_span word;

    sound_loudness(&levels, loudness);
    if (room != NULL) {
        sound_room(&levels, loudness, of->above, room);
    }
    word = sound_segment(loudness, n_frames, of->segmenter);
    for (const table_sound_step *step = of->steps; step != of->steps + of->n_steps; step++) {
        int16_t *const feature = features + step->feature;

        switch (step->operation) {
        case TABLE_LENGTH:
            *feature = sound_count(word.n, step->place);
            break;
        case TABLE_BEFORE:
            *feature = sound_count(word.first, step->place);
            break;
        case TABLE_AFTER:
            *feature = sound_count(n_frames - word.first - word.n, step->place);
            break;
        case TABLE_CONTRAST:
            *feature = sound_contrast(loudness, n_frames);
            break;
        case TABLE_COURSE:
            sound_course(&levels, word, step->parts, rows);
            break;
        case TABLE_CEPSTRA:
            sound_cepstra(rows, step->parts, of->n_bands, step->columns, of->cosines);
            break;
        case TABLE_CENTRE:
            sound_centre(rows, step->parts, step->columns);
            break;
        case TABLE_DEVIATION:
            *feature = sound_deviation(rows, step->parts, step->columns, step->place);
            break;
        case TABLE_COPY:
            sound_copy(rows + step->columns, step->place, feature);
            break;
        case TABLE_FLATTEN:
            sound_flatten(&levels, rows);
            break;
        case TABLE_FLAT:
            sound_flatten(&levels, feature);
            break;
        default:
            sound_pick(rows, step->picks, step->place, feature);
        }
    }
}
