/* stdlib for freestanding targets: no allocation, no exit. */
#ifndef MIDGE_SHIM_STDLIB_H
#define MIDGE_SHIM_STDLIB_H

#include <stddef.h>

static inline int abs(int x) { return x < 0 ? -x : x; }

static inline long labs(long x) { return x < 0 ? -x : x; }

#endif
