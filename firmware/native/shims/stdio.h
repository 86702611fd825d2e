/* stdio for freestanding targets: there is nowhere to print to. */
#ifndef MIDGE_SHIM_STDIO_H
#define MIDGE_SHIM_STDIO_H

#include <stddef.h>

#define printf(...) ((void)0)

#endif
