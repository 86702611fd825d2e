/* Dense layers of weights of 8, 6 or 4 bits, a multiplier a row: unpacked as they are needed. */
#ifndef DENSE_PACKED_H
#define DENSE_PACKED_H

#include <stdint.h>

/* sums[r] = bias[r] + multipliers[r] * (row r of weights · x), modulo 2^32. Rows are padded to four weights; six bits
 * lie four to three bytes, four bits two to a byte, the first ones lowest. */
void dense_packed_8(const int16_t *x, const void *packed, const int16_t *multipliers, const int32_t *bias,
                    int32_t n_in, int32_t n_out, int32_t *sums);
void dense_packed_6(const int16_t *x, const void *packed, const int16_t *multipliers, const int32_t *bias,
                    int32_t n_in, int32_t n_out, int32_t *sums);
void dense_packed_4(const int16_t *x, const void *packed, const int16_t *multipliers, const int32_t *bias,
                    int32_t n_in, int32_t n_out, int32_t *sums);

/* The same of columns that are brought to one size first: x * 2^shift, held within int16. `packed` begins with the
 * shifts (0 to 15), a byte a column, padded to four. */
void dense_scaled_8(const int16_t *x, const void *packed, const int16_t *multipliers, const int32_t *bias,
                    int32_t n_in, int32_t n_out, int32_t *sums);
void dense_scaled_6(const int16_t *x, const void *packed, const int16_t *multipliers, const int32_t *bias,
                    int32_t n_in, int32_t n_out, int32_t *sums);
void dense_scaled_4(const int16_t *x, const void *packed, const int16_t *multipliers, const int32_t *bias,
                    int32_t n_in, int32_t n_out, int32_t *sums);

#endif
