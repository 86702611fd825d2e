/* What C++ written for Arduino expects to be there: C's headers, and a clock that stands still. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#define restrict __restrict
#include <math.h>
#include <string.h>
#undef restrict
}

static inline unsigned long micros(void) { return 0; }

#endif
