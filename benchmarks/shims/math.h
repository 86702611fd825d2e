/* libm for peers: what midge's own shim has, and powers, which the compiler folds when the exponent is 2. */
#ifndef PEERS_MATH_H
#define PEERS_MATH_H

#include_next <math.h>

double pow(double x, double y);
float powf(float x, float y);

#endif
