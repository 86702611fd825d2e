/* IMA ADPCM: sound in four bits a sample, each block by itself (IMA Digital Audio Doc-Pac, 1992). */
#ifndef ADPCM_H
#define ADPCM_H

#include <stdint.h>

enum { ADPCM_HEAD_BYTES = 4, ADPCM_INDEX_MAX = 88 };

/* A block of n samples takes ADPCM_HEAD_BYTES + n / 2 bytes, as in a mono WAV file of format 0x11: the first sample
   (int16, little endian), the index of the step after it, 0; then a nibble for each further sample, the low one
   first. The index goes on from block to block: 0 at first, then what the last call returned. n is at least 1. */
int32_t adpcm_encode(const int16_t *samples, int32_t n, int32_t index, uint8_t *block);

#endif
