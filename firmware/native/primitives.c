/* Axis mapping and scaling of samples, their words out of packets and off the bus, and COBS. */
#include "primitives.h"

enum { CHANNELS_MAX = 8, COBS_RUN_MAX = 0xFF };

void axes_scale(int16_t *samples, int32_t n_samples, int32_t n_channels, const int32_t *table)
{
    int16_t before[CHANNELS_MAX];
    const int32_t shift = table[0];
    for (int32_t i = 0; i < n_samples; i++) {
        for (int32_t c = 0; c < n_channels; c++) {
            before[c] = samples[c];
        }
        for (int32_t c = 0; c < n_channels; c++) {
            /* The half is added after all but one bit are shifted out: product + half would pass 31 bits. */
            int32_t value = ((before[table[1 + 2 * c]] * table[2 + 2 * c] >> (shift - 1)) + 1) >> 1;
            if (value > INT16_MAX) {
                value = INT16_MAX;
            } else if (value < INT16_MIN) {
                value = INT16_MIN;
            }
            samples[c] = (int16_t)value;
        }
        samples += n_channels;
    }
}

void words_gather(const uint8_t *source, int32_t n_packets, int32_t stride, int32_t offset, int32_t n_words,
                  int32_t is_big_endian, int16_t *target)
{
    const int32_t high = is_big_endian ? 0 : 1;
    source += offset;
    for (int32_t i = 0; i < n_packets; i++) {
        for (int32_t k = 0; k < n_words; k++) {
            const uint8_t *word = source + 2 * k;
            *target++ = (int16_t)(uint16_t)(word[high] << 8 | word[1 - high]);
        }
        source += stride;
    }
}

void sound_scale(const int32_t *words, int32_t n, int32_t *table, int16_t *samples)
{
    int32_t dc = table[2];

    if (!table[1] && n > 0) {
        int32_t log2_n = 0;
        while (log2_n < 8 && 2 << log2_n <= n) {
            log2_n++;
        }
        dc = 0;
        for (int32_t i = 0; i < 1 << log2_n; i++) {
            dc += words[i] >> table[0];
        }
        dc = (dc >> log2_n) * 256;
        table[1] = 1;
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t word = words[i] >> table[0];
        int32_t value = word - (dc >> 8);
        dc += (word * 256 - dc) >> 10;
        if (value > INT16_MAX) {
            value = INT16_MAX;
        } else if (value < INT16_MIN) {
            value = INT16_MIN;
        }
        samples[i] = (int16_t)value;
    }
    table[2] = dc;
}

int32_t cobs_encode(const uint8_t *source, int32_t length, uint8_t *destination, int32_t room)
{
    int32_t code_at = 0;
    int32_t written = 1;
    uint8_t code = 1;
    if (room < 1) {
        return -2;
    }
    for (int32_t i = 0; i < length; i++) {
        /* A full run is closed only when more follows: 254 bytes other than 0 cost one byte, not two. */
        const int32_t run_is_full = code == COBS_RUN_MAX;
        if (written + run_is_full >= room) {
            return -2;
        }
        if (run_is_full) {
            destination[code_at] = code;
            code_at = written++;
            code = 1;
        }
        if (source[i] == 0) {
            destination[code_at] = code;
            code_at = written++;
            code = 1;
        } else {
            destination[written++] = source[i];
            code++;
        }
    }
    destination[code_at] = code;
    return written;
}

int32_t cobs_decode(const uint8_t *source, int32_t length, uint8_t *destination, int32_t room)
{
    int32_t read = 0;
    int32_t written = 0;
    if (length == 0) {
        return -1; /* even no data take one byte of COBS */
    }
    while (read < length) {
        const int32_t code = source[read++];
        if (code == 0 || code - 1 > length - read) {
            return -1;
        }
        if (code - 1 > room - written) {
            return -2;
        }
        for (int32_t i = 1; i < code; i++) {
            const uint8_t byte = source[read++];
            if (byte == 0) {
                return -1;
            }
            destination[written++] = byte;
        }
        if (code != COBS_RUN_MAX && read < length) {
            if (written >= room) {
                return -2;
            }
            destination[written++] = 0;
        }
    }
    return written;
}
