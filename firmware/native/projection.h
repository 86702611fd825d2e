/* A linear map of features in front of a model that reads int16: rows of int16 weights, each with its shift. */
#ifndef PROJECTION_H
#define PROJECTION_H

#include <stdint.h>

typedef struct {
    const int16_t *weights; /* n_out rows of n_in; rows begin on words */
    const int32_t *bias;    /* half a step included */
    const int16_t *fine_weights; /* of lower halves, or null */
    const int32_t *fine_bias;
    const uint8_t *shifts; /* of each row */
    int32_t n_in;
    int32_t n_out;
    int32_t limit; /* where all |x| <= limit, sums fit 32 bits */
    int32_t fine_limit;
} projection;

/* out[r] = (bias[r] + row r of weights · x) >> shifts[r], exact, saturated to int16. With lower halves what is
 * shifted is 2^15 of that sum and theirs. */
void projection_int16(const projection *by, const int16_t *x, int16_t *out);

#endif
