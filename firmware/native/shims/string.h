/* string for freestanding targets: what the compiler's run-time library supplies. */
#ifndef MIDGE_SHIM_STRING_H
#define MIDGE_SHIM_STRING_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t length_bytes);
void *memmove(void *destination, const void *source, size_t length_bytes);
void *memset(void *destination, int value, size_t length_bytes);
int memcmp(const void *left, const void *right, size_t length_bytes);
size_t strlen(const char *text);

#endif
