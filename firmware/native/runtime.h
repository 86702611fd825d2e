/* What runtime.c offers to the names that compilers of one machine call. */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stddef.h>
#include <stdint.h>

uint64_t divide_unsigned(uint64_t left, uint64_t divisor, uint64_t *rest);
int64_t divide_signed(int64_t left, int64_t divisor, int64_t *rest);

void *memset(void *to, int value, size_t length_bytes);
void *memmove(void *to, const void *from, size_t length_bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t length_bytes);

#endif
