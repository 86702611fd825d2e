/* Statistics of one row of motion samples, one function each.
 *
 * All take `n` samples, 1 <= n <= 16384, and return int16. Where nothing else is said the result has the scale of
 * the samples (LSB per g), is the exact value rounded to nearest, and saturates at 32767. Shares are 32767 = 1. */
#ifndef MOTION_H
#define MOTION_H

#include <stdint.h>

/* A stretch of a row. */
typedef struct {
    int32_t first;
    int32_t n;
} motion_span;

/* How motion_segment() tells motion from rest; all in samples but for the last two. */
typedef struct {
    int32_t step;   /* the motion at a sample is its distance from the one so far before */
    int32_t smooth; /* motion is summed over so many neighbours, odd */
    int32_t join;   /* a rest that is shorter belongs to the motion */
    int32_t margin; /* added on both sides */
    int32_t floor;  /* least distance that is motion, LSB */
    int32_t share;  /* least share of the strongest motion, in 256ths */
} motion_segmenter;

/* Length of the vector of three values, rounded to nearest. */
int16_t motion_magnitude(const int16_t *sample);

/* Arithmetic mean; halves go up. */
int16_t motion_mean(const int16_t *samples, int32_t n);

/* Standard deviation (of the population: divided by n). */
int16_t motion_std(const int16_t *samples, int32_t n);

/* Smallest sample. */
int16_t motion_min(const int16_t *samples, int32_t n);

/* Largest sample. */
int16_t motion_max(const int16_t *samples, int32_t n);

/* Largest minus smallest sample. */
int16_t motion_range(const int16_t *samples, int32_t n);

/* Root of the mean square. */
int16_t motion_rms(const int16_t *samples, int32_t n);

/* Mean square, in squared LSB / 32768. */
int16_t motion_energy(const int16_t *samples, int32_t n);

/* Mean absolute distance from the mean. */
int16_t motion_mad(const int16_t *samples, int32_t n);

/* Mean crossings: how often two neighbours lie on different sides of the mean (a sample on it is below). A count. */
int16_t motion_mc(const int16_t *samples, int32_t n);

/* Zero crossings: how often two neighbours lie on different sides of zero (a sample on it is below). A count. */
int16_t motion_zc(const int16_t *samples, int32_t n);

/* Mean absolute difference of neighbours; halves go up; 0 for n = 1. */
int16_t motion_jerk(const int16_t *samples, int32_t n);

/* The sample that `percent` of the others are below: of rank round((n - 1) percent / 100), halves up. */
int16_t motion_quantile(const int16_t *samples, int32_t n, int32_t percent);

/* Where the first largest, or smallest, sample is: a share of the row; 0 for n = 1. */
int16_t motion_tmax(const int16_t *samples, int32_t n);
int16_t motion_tmin(const int16_t *samples, int32_t n);

/* Mean of part `part` (from 1) of `parts` equal ones; a sample on a border counts by its share; halves go up. */
int16_t motion_course(const int16_t *samples, int32_t n, int32_t part, int32_t parts);

/* Autocorrelation about the mean, lags 1 … n / 2, highest after it has first fallen below 0: its share of the
 * variance, and its lag, a count of samples. Both 0 if it never falls or never rises again. */
int16_t motion_rhythm(const int16_t *samples, int32_t n);
int16_t motion_period(const int16_t *samples, int32_t n);

/* Pearson's correlation of two rows, 32767 = 1; 0 if one of them is constant. */
int16_t motion_corr(const int16_t *a, const int16_t *b, int32_t n);

/* Cosine of the angle between an axis and the mean acceleration of all three, 32767 = 1; 0 without any. */
int16_t motion_tilt(const int16_t *axis, const int16_t *x, const int16_t *y, const int16_t *z, int32_t n);

/* Rows of n samples made of x, y, z, about their mean, which is gravity and posture: the part along it, the length
 * across it, and the length of what is left when it is taken away. Each within 2 LSB. */
void motion_vertical(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n, int16_t *row);
void motion_horizontal(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n, int16_t *row);
void motion_linear(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n, int16_t *row);

/* The stretch of `n` samples with the strongest motion in it; all of them if none moves. */
motion_span motion_segment(const int16_t *x, const int16_t *y, const int16_t *z, int32_t n,
                           const motion_segmenter *by);

/* Part `part` (from 1) of `parts` of a stretch; at least one sample. */
motion_span motion_part(motion_span whole, int32_t part, int32_t parts);

#endif
