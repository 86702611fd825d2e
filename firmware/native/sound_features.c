/* Features of the levels of a window: see sound_features.h. */
#include "sound_features.h"

#include <stddef.h>

#include "integer_root.h"

/* One in ten frames is the room that a word is told from; one in five tells a band's. */
enum { ROOM_SHARE = 10, BAND_SHARE = 5 };

/* value / n rounded to nearest, halves up; n > 0. */
static int32_t divide_round(int32_t value, int32_t n)
{
    const int32_t twice = 2 * value + n;
    const int32_t quotient = twice / (2 * n);

    return quotient - (twice < quotient * 2 * n);
}

static int32_t frame_mean(const sound_levels *of, const int16_t *frame)
{
    int32_t sum = 0;

    for (const int16_t *const end = frame + of->n_bands; frame != end; frame++) {
        sum += *frame;
    }
    return divide_round(sum, of->n_bands);
}

void sound_loudness(const sound_levels *of, int16_t *loudness)
{
    for (int32_t frame = 0; frame < of->n_frames; frame++) {
        loudness[frame] = (int16_t)frame_mean(of, of->levels + frame * of->n_bands);
    }
}

/* Index of the last frame in direction `step` from `from` that sounds, pauses shorter than `join` passed over. */
static int32_t edge_find(const int16_t *loudness, int32_t n_frames, int32_t from, int32_t step, int32_t least,
                         int32_t join)
{
    int32_t edge = from;

    for (int32_t at = from + step; at >= 0 && at < n_frames && (at - edge) * step <= join; at += step) {
        if (loudness[at] >= least) {
            edge = at;
        }
    }
    return edge;
}

static int32_t loudest_find(const int16_t *loudness, int32_t n_frames)
{
    int32_t loudest = 0;

    for (int32_t at = 1; at < n_frames; at++) {
        if (loudness[at] > loudness[loudest]) {
            loudest = at;
        }
    }
    return loudest;
}

/* The loudness that one in `share` frames lies below: of rank n_frames / share. */
static int32_t quiet_find(const int16_t *loudness, int32_t n_frames, int32_t share)
{
    int32_t low = 0;
    int32_t high = INT16_MAX;

    /* The least value that more than so many frames don't exceed, by halving: 15 turns, no sorting. */
    while (low < high) {
        const int32_t middle = (low + high) >> 1;
        int32_t n_below = 0;
        for (int32_t at = 0; at < n_frames; at++) {
            n_below += loudness[at] <= middle;
        }
        if (n_below > n_frames / share) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

sound_span sound_segment(const int16_t *loudness, int32_t n_frames, const sound_segmenter *by)
{
    const int32_t loudest = loudest_find(loudness, n_frames);
    const int32_t room = quiet_find(loudness, n_frames, ROOM_SHARE);
    const int32_t least = room + ((loudness[loudest] - room) * by->share >> 8);
    int32_t first = edge_find(loudness, n_frames, loudest, -1, least, by->join) - by->margin;
    int32_t last = edge_find(loudness, n_frames, loudest, 1, least, by->join) + by->margin;

    first = first > 0 ? first : 0;
    last = last < n_frames ? last : n_frames - 1;
    const sound_span found = {first, last - first + 1};
    return found;
}

void sound_room(const sound_levels *of, const int16_t *loudness, int32_t above, int16_t *room)
{
    const int32_t most = quiet_find(loudness, of->n_frames, BAND_SHARE);

    for (int32_t band = 0; band < of->n_bands; band++) {
        int32_t sum = 0;
        int32_t n = 0;
        for (int32_t frame = 0; frame < of->n_frames; frame++) {
            if (loudness[frame] <= most) {
                sum += of->levels[frame * of->n_bands + band];
                n++;
            }
        }
        room[band] = (int16_t)(divide_round(sum, n) + above);
    }
}

int16_t sound_contrast(const int16_t *loudness, int32_t n_frames)
{
    return (int16_t)(loudness[loudest_find(loudness, n_frames)] - quiet_find(loudness, n_frames, ROOM_SHARE));
}

int16_t sound_count(int32_t n_frames, int32_t most)
{
    return (int16_t)(SOUND_FRAME * (n_frames < most ? n_frames : most));
}

/* A level as it counts. */
static int32_t level_above(const sound_levels *of, const int16_t *frame, int32_t band)
{
    const int32_t level = frame[band] - (of->room != NULL ? of->room[band] : 0);

    return level > 0 ? level : 0;
}

void sound_course(const sound_levels *of, sound_span in, int32_t parts, int16_t *course)
{
    const int16_t *const levels = of->levels + in.first * of->n_bands;

    /* In units of 1 / parts of a frame a frame is `parts` long and a part in.n. */
    for (int32_t part = 0; part < parts; part++) {
        const int32_t begin = part * in.n;
        const int32_t end = begin + in.n;
        for (int32_t band = 0; band < of->n_bands; band++) {
            int32_t sum = 0;
            for (int32_t at = begin; at < end;) {
                const int32_t frame = at / parts;
                const int32_t next = (frame + 1) * parts < end ? (frame + 1) * parts : end;
                sum += (next - at) * level_above(of, levels + frame * of->n_bands, band);
                at = next;
            }
            *course++ = (int16_t)divide_round(sum, in.n);
        }
    }
}

void sound_flatten(const sound_levels *of, int16_t *rows)
{
    const int16_t *const end = of->levels + of->n_frames * of->n_bands;
    int32_t mean = 0;

    if (of->room == NULL) {
        for (const int16_t *frame = of->levels; frame != end; frame += of->n_bands) {
            mean += frame_mean(of, frame);
        }
        mean = divide_round(mean, of->n_frames);
    }
    for (const int16_t *frame = of->levels; frame != end; frame += of->n_bands) {
        for (int32_t band = 0; band < of->n_bands; band++) {
            *rows++ = (int16_t)(level_above(of, frame, band) - mean);
        }
    }
}

void sound_cepstra(int16_t *rows, int32_t n_rows, int32_t n_bands, int32_t n_cepstra, const int16_t *cosines)
{
    const int32_t half = n_bands / 2;
    int16_t *to = rows;
    int32_t folded[SOUND_MOST_BANDS];

    for (int32_t row = 0; row < n_rows; row++, rows += n_bands) {
        /* Even coefficients see the bands mirrored, odd ones mirrored with the other sign. */
        for (int32_t band = 0; band < half; band++) {
            folded[band] = rows[band] + rows[n_bands - 1 - band];
            folded[half + band] = rows[band] - rows[n_bands - 1 - band];
        }
        const int16_t *cosine = cosines;
        for (int32_t c = 0; c < n_cepstra; c++) {
            const int32_t *from = c & 1 ? folded + half : folded;
            int32_t sum = 0;
            for (int32_t band = 0; band < half; band++) {
                sum += from[band] * *cosine++;
            }
            *to++ = (int16_t)((sum + (1 << 15)) >> 16);
        }
    }
}

void sound_centre(int16_t *rows, int32_t n_rows, int32_t n_columns)
{
    for (int32_t column = 0; column < n_columns; column++) {
        int32_t sum = 0;
        for (int32_t row = 0; row < n_rows; row++) {
            sum += rows[row * n_columns + column];
        }
        const int32_t mean = divide_round(sum, n_rows);
        for (int32_t row = 0; row < n_rows; row++) {
            rows[row * n_columns + column] = (int16_t)(rows[row * n_columns + column] - mean);
        }
    }
}

int16_t sound_deviation(const int16_t *rows, int32_t n_rows, int32_t n_columns, int32_t column)
{
    const int16_t *at = rows + column;
    int64_t squares = 0;
    int32_t sum = 0;

    for (int32_t row = 0; row < n_rows; row++, at += n_columns) {
        sum += *at;
        squares += *at * *at;
    }
    return (int16_t)divide_round((int32_t)root_floor_u64((uint64_t)(squares * n_rows - (int64_t)sum * sum)), n_rows);
}

void sound_copy(const int16_t *values, int32_t n, int16_t *features)
{
    for (int32_t i = 0; i < n; i++) {
        features[i] = values[i];
    }
}

void sound_pick(const int16_t *values, const uint16_t *picks, int32_t n, int16_t *features)
{
    for (int32_t i = 0; i < n; i++) {
        features[i] = values[picks[i]];
    }
}
