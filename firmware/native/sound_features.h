/* Features of the levels of a window: what is said in it, wherever it lies and however loud and long it is. */
#ifndef SOUND_FEATURES_H
#define SOUND_FEATURES_H

#include <stdint.h>

#include "sound.h"

/* How sound is told from the room, which is what a tenth of the frames don't exceed. */
typedef struct {
    int32_t share;  /* a frame sounds when it is so far above the room, in 256ths of the way to the loudest */
    int32_t join;   /* a pause of at most so many frames belongs to the word */
    int32_t margin; /* frames added on both sides */
} sound_segmenter;

/* Levels of a window: n_frames rows of n_bands; where there is a room, what is above it counts. */
typedef struct {
    const int16_t *levels;
    int32_t n_frames;
    int32_t n_bands;
    const int16_t *room; /* of each band, NULL: levels count as they are */
} sound_levels;

/* Mean level of each frame, as it is; n_frames values. */
void sound_loudness(const sound_levels *of, int16_t *loudness);

/* The room of each band: its mean level, and `above`, over the frames among the quietest fifth. room: n_bands values. */
void sound_room(const sound_levels *of, const int16_t *loudness, int32_t above, int16_t *room);

/* The stretch around the loudest frame that sounds. */
sound_span sound_segment(const int16_t *loudness, int32_t n_frames, const sound_segmenter *by);

/* Loudness of the loudest frame less that of the room. */
int16_t sound_contrast(const int16_t *loudness, int32_t n_frames);

/* A number of frames as a feature: `most` at most (<= 511), SOUND_FRAME steps each, so that it is as large as levels
 * are and a model's weights for both have one scale. */
enum { SOUND_FRAME = 64, SOUND_MOST_FRAMES = 511 };
int16_t sound_count(int32_t n_frames, int32_t most);

/* Means of `parts` equal parts of a stretch, `parts` rows of n_bands; a frame on a border counts by its share. */
void sound_course(const sound_levels *of, sound_span in, int32_t parts, int16_t *course);

/* Every frame: levels above the room, or, without a room, levels less the mean of them all. n_frames rows of n_bands. */
void sound_flatten(const sound_levels *of, int16_t *rows);

/* Replaces each of `n_rows` rows of n_bands levels (n_bands <= SOUND_MOST_BANDS, even) by its first n_cepstra
 * cosine coefficients: 2 / n_bands * sum of level * cos(pi c (2 b + 1) / (2 n_bands)), the rows close together. */
enum { SOUND_MOST_BANDS = 64 };
void sound_cepstra(int16_t *rows, int32_t n_rows, int32_t n_bands, int32_t n_cepstra, const int16_t *cosines);

/* Takes the mean of a column of `n_rows` rows away from it; halves go up. */
void sound_centre(int16_t *rows, int32_t n_rows, int32_t n_columns);

/* Standard deviation of column `column` of n_rows rows of n_columns; n_rows <= 4096. */
int16_t sound_deviation(const int16_t *rows, int32_t n_rows, int32_t n_columns, int32_t column);

/* features[i] = values[i], and features[i] = values[picks[i]], for n of them. */
void sound_copy(const int16_t *values, int32_t n, int16_t *features);
void sound_pick(const int16_t *values, const uint16_t *picks, int32_t n, int16_t *features);

#endif
