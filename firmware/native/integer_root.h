/* Square roots of integers, by integers. */
#ifndef INTEGER_ROOT_H
#define INTEGER_ROOT_H

#include <stdint.h>

/* floor(sqrt(value)) */
uint32_t root_floor_u32(uint32_t value);

/* floor(sqrt(value)) */
uint32_t root_floor_u64(uint64_t value);

/* sqrt(value), rounded to nearest (a tie can't happen: k + 1/2 is never the root of an integer) */
uint32_t root_round_u32(uint32_t value);

#endif
