/* Log-likelihoods of Gaussians with independent features. */
#include "gaussian.h"

void gaussian_sums(const int16_t *x, const gaussian_term *terms, const int32_t *constants, int32_t n_in,
                   int32_t n_classes, int64_t *sums)
{
    for (; n_classes > 0; n_classes--) {
        *sums++ = *constants++ - (int64_t)gaussian_deviation(x, terms, n_in);
        terms += n_in;
    }
}
