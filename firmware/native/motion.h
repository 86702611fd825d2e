/* Statistics of one row of motion samples, one function each.
 *
 * All take `n` samples, 1 <= n <= 16384, and return int16. Where nothing else is said the result has the scale of
 * the samples (LSB per g), is the exact value rounded to nearest, and saturates at 32767. */
#ifndef MOTION_H
#define MOTION_H

#include <stdint.h>

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

/* Mean crossings: how often two neighbours lie on different sides of the mean (a sample on it is below). A count. */
int16_t motion_mc(const int16_t *samples, int32_t n);

/* Mean absolute difference of neighbours; halves go up; 0 for n = 1. */
int16_t motion_jerk(const int16_t *samples, int32_t n);

#endif
