/* Logarithms of integers, by integers. */
#ifndef LOGARITHM_H
#define LOGARITHM_H

#include <stdint.h>

enum { LOG2_FRACTION_BITS = 8 };

/* log2(value) in steps of 1/256, within 1 of them; value > 0. */
int32_t log2_u32(uint32_t value);

#endif
