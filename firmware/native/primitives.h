/* Board primitives: the byte and sample loops that Python on a board must not run. */
#ifndef PRIMITIVES_H
#define PRIMITIVES_H

#include <stdint.h>

enum { SHIFT_MIN = 1, SHIFT_MAX = 16, MULTIPLIER_MAX = 65535 };

/* out[c] = sat16((sample[source[c]] * multiplier[c] + half) >> shift) for every sample, in place: rounds half up.
   table = shift, then source, multiplier for each channel, already checked. */
void axes_scale(int16_t *samples, int32_t n_samples, int32_t n_channels, const int32_t *table);

/* target[i * n_words + k] = word k at `offset` of packet i, each packet `stride` bytes: what a sensor's FIFO gives,
   without its tags and in this machine's byte order. */
void words_gather(const uint8_t *source, int32_t n_packets, int32_t stride, int32_t offset, int32_t n_words,
                  int32_t is_big_endian, int16_t *target);

/* Sound off an I2S bus: samples[i] = sat16((words[i] >> shift) - dc), dc following the mean over about 1000
   samples, at first that of the block.
   table = shift, 0 or 1: dc is known, dc in 256ths; the last two are kept from block to block. */
void sound_scale(const int32_t *words, int32_t n, int32_t *table, int16_t *samples);

/* Consistent overhead byte stuffing (Cheshire and Baker, 1999) without the delimiter.
   Both return the bytes written; -2 if `room` is too small. decode: -1 if `source` is no COBS text; it may work in place. */
int32_t cobs_encode(const uint8_t *source, int32_t length, uint8_t *destination, int32_t room);
int32_t cobs_decode(const uint8_t *source, int32_t length, uint8_t *destination, int32_t room);

#endif
