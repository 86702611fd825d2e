/* IMA ADPCM: a nibble says how far the next sample is from the last one, in eighths of a step that follows. */
#include "adpcm.h"

static const int16_t adpcm_steps[ADPCM_INDEX_MAX + 1] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,    21,    23,    25,   28,
    31,    34,    37,    41,    45,    50,    55,    60,    66,    73,    80,    88,    97,    107,  118,
    130,   143,   157,   173,   190,   209,   230,   253,   279,   307,   337,   371,   408,   449,  494,
    544,   598,   658,   724,   796,   876,   963,   1060,  1166,  1282,  1411,  1552,  1707,  1878, 2066,
    2272,  2499,  2749,  3024,  3327,  3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845, 8630,
    9493,  10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};

static int32_t int32_clamp(int32_t value, int32_t lowest, int32_t highest)
{
    return value < lowest ? lowest : value > highest ? highest : value;
}

int32_t adpcm_encode(const int16_t *samples, int32_t n, int32_t index, uint8_t *block)
{
    int32_t predicted = samples[0];

    block[0] = (uint8_t)(samples[0] & 0xFF);
    block[1] = (uint8_t)(samples[0] >> 8 & 0xFF);
    block[2] = (uint8_t)index;
    block[3] = 0;
    block += ADPCM_HEAD_BYTES;
    for (int32_t i = 1; i < n; i++) {
        const int32_t step = adpcm_steps[index];
        int32_t left = samples[i] - predicted;
        int32_t change = step >> 3;
        const int32_t is_down = left < 0;
        uint8_t nibble = 0;
        if (is_down) {
            left = -left;
        }
        if (left >= step) {
            nibble = 4;
            left -= step;
            change += step;
        }
        if (left >= step >> 1) {
            nibble |= 2;
            left -= step >> 1;
            change += step >> 1;
        }
        if (left >= step >> 2) {
            nibble |= 1;
            change += step >> 2;
        }
        predicted = int32_clamp(is_down ? predicted - change : predicted + change, INT16_MIN, INT16_MAX);
        /* A step that was large enough becomes smaller, one that was too small by up to 1.1^8 larger. */
        index = int32_clamp(nibble < 4 ? index - 1 : index + 2 * (nibble - 3), 0, ADPCM_INDEX_MAX);
        nibble = (uint8_t)(is_down ? nibble | 8 : nibble);
        if (i & 1) {
            *block = nibble;
        } else {
            *block = (uint8_t)(*block | nibble << 4);
            block++;
        }
    }
    return index;
}
