/* A model that is constant tables only: what kernels that are compiled without knowing it read of it.
 *
 * The linker lays out `midge_facts`, `midge_frontend` and either `midge_judged` or `midge_forest`. Functions that a
 * model does not need are null, and not linked in. */
#ifndef TABLE_MODEL_H
#define TABLE_MODEL_H

#include <stdint.h>

#include "conv.h"
#include "filter.h"
#include "motion.h"
#include "neighbors.h"
#include "sound_features.h"
#include "spectrum.h"
#include "window.h"

/* Chosen where this is compiled: bits of the sums, and places for them on the stack. */
#ifndef TABLE_BITS
#define TABLE_BITS 32
#endif
#ifndef TABLE_ROOM
#define TABLE_ROOM 16
#endif

#if TABLE_BITS == 64
typedef int64_t table_sum;
#else
typedef int32_t table_sum;
#endif

typedef struct {
    int32_t abi;
    int32_t state_bytes;
    int32_t n_features;
    int32_t n_scores;
    int32_t n_channels;
    int32_t info_bytes;
    int32_t arena_bytes; /* at the end of the state */
    int32_t features_at; /* in the arena */
    const char *info;
} table_facts;

extern const table_facts midge_facts;

/* How the function of a step is called; `rows` are row numbers, n samples from `first` on. */
enum {
    TABLE_ROW,         /* (row, n) */
    TABLE_ROW_ONE,     /* (row, n, more[0]) */
    TABLE_ROW_TWO,     /* (row, n, more[0], more[1]) */
    TABLE_PAIR,        /* (row, row, n) */
    TABLE_TILT,        /* (row, x, y, z, n) */
    TABLE_SPAN,        /* n itself */
    TABLE_SPECTRUM,    /* (spectrum, more[0]) */
    TABLE_BAND,        /* (spectrum, more[0], more[1]) */
};

typedef void (*table_function)(void);

typedef struct {
    table_function function;
} table_pointer;

typedef struct {
    table_function function;
    uint16_t form;
    uint16_t feature;  /* where the result goes */
    uint16_t part;     /* of a window that is cut to its motion; 0: all of it */
    uint16_t parts;
    uint16_t row;
    uint16_t other;
    int32_t first;
    int32_t n;
    int32_t more[2];
} table_step;

typedef struct table_frontend table_frontend;

struct table_frontend {
    const window_shape *shape;
    const table_step *steps;
    const table_step *spectral; /* steps of spectra, those of a row together */
    const table_pointer *derived; /* rows made of a full window, in the order of their places */
    motion_span (*segment)(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n,
                           const motion_segmenter *by);
    motion_span (*part)(motion_span whole, int32_t part, int32_t parts);
    const motion_segmenter *segmenter;
    void (*spectra)(const table_frontend *frontend, void *state, int16_t *features);
    int32_t (*transform)(int16_t *data);
    int32_t n_steps;
    int32_t n_spectral;
    int32_t n_derived;
    int32_t x, y, z; /* rows of the acceleration */
    int32_t log2_fft;
    int32_t rows_bytes;
    const filter_section *filters;
    int32_t n_filters;
    int32_t filter_at; /* place of their memory in the state */
};

extern const table_frontend midge_frontend;

/* Writes the features of all spectral steps. */
void table_spectra(const table_frontend *frontend, void *state, int16_t *features);

/* What a front end for sound does with a window, one step after the other; see sound_features.h. */
enum {
    TABLE_LENGTH,    /* features[feature] = frames of the word, `place` at most */
    TABLE_BEFORE,    /* features[feature] = frames before the word, `place` at most */
    TABLE_AFTER,     /* features[feature] = frames after it, `place` at most */
    TABLE_CONTRAST,  /* features[feature] = loudness above the room */
    TABLE_COURSE,    /* rows = means of `parts` parts */
    TABLE_CEPSTRA,   /* rows of `parts` become `columns` coefficients each */
    TABLE_CENTRE,    /* columns lose their means */
    TABLE_DEVIATION, /* features[feature] = deviation of column `place` */
    TABLE_PICK,      /* `place` values go to features[feature …] */
    TABLE_COPY,      /* `place` values from rows[columns] on, as they lie */
    TABLE_FLATTEN,   /* rows = every frame */
    TABLE_FLAT,      /* features[feature …] = every frame */
};

typedef struct {
    uint16_t operation;
    uint16_t feature;
    int32_t parts;
    int32_t columns;
    int32_t place;
    const uint16_t *picks;
} table_sound_step;

typedef struct {
    const sound_shape *shape;
    const sound_segmenter *segmenter;
    const int16_t *cosines;
    const table_sound_step *steps;
    int32_t n_steps;
    int32_t n_bands;
    int32_t room_at; /* places in the scratch; the same: no room */
    int32_t rows_at;
    int32_t above; /* of the room */
} table_sound;

extern const table_sound midge_sound;

/* From features to sums, from sums to winner and scores. */
typedef struct table_judged table_judged;

struct table_judged {
    void (*sums)(const void *model, const int16_t *x, table_sum *sums);
    const void *model;
    int32_t (*winner)(const table_judged *judged, const table_sum *sums, uint8_t *votes);
    void (*scores)(const table_judged *judged, const table_sum *sums, int32_t winner, const uint8_t *votes,
                   uint32_t *exponents, int16_t *scores);
    int32_t n_classes;
    int32_t n_scores;
    int32_t shift; /* fraction bits of the sums */
    int32_t share; /* score of a duel that was won */
};

extern const table_judged midge_judged;

/* A forest: its own kernel adds up and judges. */
typedef struct {
    int32_t (*classify)(const void *forest, const int16_t *features, uint32_t *sums, int16_t *scores);
    const void *forest;
} table_forest;

extern const table_forest midge_forest;

typedef struct {
    const int16_t *weights;
    const int32_t *bias;
    int32_t n_in;
    int32_t n_out;
    int32_t limit;
} table_dense;

typedef struct {
    void (*dense)(const int16_t *x, const void *weights, const int16_t *multipliers, const int32_t *bias,
                  int32_t n_in, int32_t n_out, int32_t *sums);
    const void *weights;
    const int16_t *multipliers; /* of rows of packed weights */
    const int32_t *bias;
    int16_t (*activation)(int32_t sum, int32_t shift);
    int32_t n_in;
    int32_t n_out;
    int32_t shift;
} table_layer;

typedef struct {
    const table_layer *layers;
    int32_t n_layers;
} table_net;

/* Nearest neighbours: those that are found vote, or are added up. */
typedef struct {
    void (*find)(const neighbors_model *model, const int16_t *x, uint16_t *nearest);
    const neighbors_model *model;
    const uint8_t *classes; /* of each point, */
    const int32_t *values;  /* or its value */
    int32_t n_neighbors;
    int32_t n_classes;
    int32_t bias;
    int32_t worth; /* of a vote, in 256ths */
} table_neighbors;

extern const table_neighbors midge_neighbors;

typedef struct {
    const void *terms;
    const int32_t *constants;
    int32_t n_in;
    int32_t n_classes;
} table_gaussian;

/* Nets with time in them: how the kernel of a step is called; places are in the arena. */
enum {
    TABLE_WEIGHTED, /* (layer, from, to, scratch) */
    TABLE_SUMS,     /* the same, to the sums */
    TABLE_POOL,     /* (layer, from, to) */
    TABLE_ADD,      /* (layer, from, other, n, to) */
    TABLE_WIDEN,    /* (from, n, zero, sums) */
};

typedef struct {
    table_function function;
    const void *layer;
    int32_t form;
    int32_t from;
    int32_t other;
    int32_t to;
    int32_t scratch;
    int32_t n;
} table_conv_step;

typedef struct {
    const conv_input *input;
    const table_conv_step *steps;
    const conv_factor *last;
    int32_t n_steps;
    int32_t n_features;
    int32_t first; /* place of what the features become */
    int32_t n_values;
    int32_t n_last;
    int32_t center;
    int32_t zero; /* of the last tensor, if it is widened */
} table_conv;

extern const table_conv midge_conv;

#endif
