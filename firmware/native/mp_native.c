/* Board primitives as a Python module: checks every argument, then calls primitives.c. */
#include "mp_native.h"

#include "adpcm.h"
#include "pdm.h"
#include "primitives.h"

enum { CHANNELS = 3, TABLE_LENGTH = 1 + 2 * CHANNELS, PACKET_LENGTH = 4, PACKET_MAX = 64 };

mp_obj_t native_scale_axes(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    int16_t *block;
    const size_t n_values =
        int16_array_get(self, args[0], MP_BUFFER_WRITE, &block, "block must be a writable array('h')");
    const int32_t n_samples = int_get_within(self, args[1], 0, (int32_t)(n_values / CHANNELS),
                                             "n_samples must be 0..samples in block");
    mp_buffer_t buffer;
    if (!mp_buffer_get(args[2], &buffer, MP_BUFFER_READ) || buffer.typecode != 'i') {
        type_error_raise(self, "table must be array('i')");
    }
    const int32_t *table = buffer.start;
    if (buffer.length_bytes != TABLE_LENGTH * sizeof(int32_t)) {
        value_error_raise(self, "table must hold shift, then source and multiplier for 3 channels");
    }
    if (table[0] < SHIFT_MIN || table[0] > SHIFT_MAX) {
        value_error_raise(self, "shift must be 1..16");
    }
    for (int32_t c = 0; c < CHANNELS; c++) {
        if (table[1 + 2 * c] < 0 || table[1 + 2 * c] >= CHANNELS) {
            value_error_raise(self, "source must be 0..2");
        }
        if (table[2 + 2 * c] < -MULTIPLIER_MAX || table[2 + 2 * c] > MULTIPLIER_MAX) {
            value_error_raise(self, "multiplier must be -65535..65535");
        }
    }
    axes_scale(block, n_samples, CHANNELS, table);
    return mp_none();
}

mp_obj_t native_gather_words(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    mp_buffer_t source;
    mp_buffer_t table;
    int16_t *block;
    if (!mp_buffer_get(args[0], &source, MP_BUFFER_READ)) {
        type_error_raise(self, "src must be a buffer");
    }
    if (!mp_buffer_get(args[1], &table, MP_BUFFER_READ) || table.typecode != 'i') {
        type_error_raise(self, "table must be array('i')");
    }
    const int32_t *packet = table.start;
    if (table.length_bytes != PACKET_LENGTH * sizeof(int32_t)) {
        value_error_raise(self, "table must hold stride, offset, words and byte order");
    }
    const int32_t stride = packet[0];
    const int32_t offset = packet[1];
    const int32_t n_words = packet[2];
    if (stride < 1 || stride > PACKET_MAX || offset < 0 || n_words < 1 || n_words > PACKET_MAX ||
        offset + 2 * n_words > stride) {
        value_error_raise(self, "offset and words must lie within the stride");
    }
    const size_t n_values =
        int16_array_get(self, args[2], MP_BUFFER_WRITE, &block, "block must be a writable array('h')");
    const int32_t room = (int32_t)(n_values / (size_t)n_words);
    const int32_t start = int_get_within(self, args[3], 0, room, "start must be 0..samples in block");
    const int32_t n = int_get_within(self, args[4], 0, room - start, "n must be 0..samples from start");
    if ((int32_t)(source.length_bytes / (size_t)stride) < n) {
        value_error_raise(self, "src is too short");
    }
    words_gather(source.start, n, stride, offset, n_words, packet[3], block + start * n_words);
    return mp_none();
}

enum { SOUND_TABLE_LENGTH = 3, SOUND_SHIFT_MIN = 10, SOUND_SHIFT_MAX = 16 };

mp_obj_t native_scale_sound(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    mp_buffer_t words;
    mp_buffer_t buffer;
    int16_t *samples;
    if (!mp_buffer_get(args[0], &words, MP_BUFFER_READ) || (uintptr_t)words.start % sizeof(int32_t) != 0) {
        type_error_raise(self, "words must be a buffer of 32-bit words");
    }
    const size_t n_values =
        int16_array_get(self, args[2], MP_BUFFER_WRITE, &samples, "block must be a writable array('h')");
    const size_t n_words = words.length_bytes / sizeof(int32_t);
    const int32_t n = int_get_within(self, args[1], 0, (int32_t)(n_words < n_values ? n_words : n_values),
                                     "n must be 0..words and samples in block");
    if (!mp_buffer_get(args[3], &buffer, MP_BUFFER_WRITE) || buffer.typecode != 'i' ||
        buffer.length_bytes != SOUND_TABLE_LENGTH * sizeof(int32_t)) {
        type_error_raise(self, "table must be a writable array('i') of 3");
    }
    int32_t *table = buffer.start;
    if (table[0] < SOUND_SHIFT_MIN || table[0] > SOUND_SHIFT_MAX) {
        value_error_raise(self, "shift must be 10..16");
    }
    sound_scale(words.start, n, table, samples);
    return mp_none();
}

mp_obj_t native_encode_adpcm(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    int16_t *samples;
    mp_buffer_t block;
    const size_t n_values =
        int16_array_get(self, args[0], MP_BUFFER_READ, &samples, "samples must be array('h')");
    const int32_t n = int_get_within(self, args[1], 1, (int32_t)n_values, "n must be 1..samples");
    const int32_t index = int_get_within(self, args[2], 0, ADPCM_INDEX_MAX, "index must be 0..88");
    if (!mp_buffer_get(args[3], &block, MP_BUFFER_WRITE)) {
        type_error_raise(self, "block must be a writable buffer");
    }
    if (block.length_bytes < (size_t)(ADPCM_HEAD_BYTES + n / 2)) {
        value_error_raise(self, "block is too short");
    }
    return mp_int(adpcm_encode(samples, n, index, block.start));
}

mp_obj_t native_decimate_pdm(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    mp_buffer_t bits;
    mp_buffer_t samples;
    mp_buffer_t state;
    if (!mp_buffer_get(args[0], &bits, MP_BUFFER_READ)) {
        type_error_raise(self, "bits must be a buffer");
    }
    if (!mp_buffer_get(args[1], &samples, MP_BUFFER_WRITE) || samples.typecode != 'i') {
        type_error_raise(self, "words must be a writable array('i')");
    }
    if (!mp_buffer_get(args[3], &state, MP_BUFFER_WRITE) || state.typecode != 'i' ||
        state.length_bytes != sizeof(pdm_filter)) {
        type_error_raise(self, "state must be a writable array('i') of STATE_WORDS");
    }
    int16_t *taps;
    const size_t n_taps = int16_array_get(self, args[4], MP_BUFFER_READ, &taps, "taps must be array('h')");
    pdm_filter *const filter = state.start;
    if (filter->log2_bits < PDM_LEAST_LOG2 || filter->log2_bits > PDM_MOST_LOG2 || n_taps == 0 ||
        n_taps > PDM_MOST_TAPS || n_taps % PDM_STEP != 0 || filter->at < 0 || filter->at >= (int32_t)n_taps) {
        value_error_raise(self, "state or taps are none of decimate_pdm");
    }
    const size_t of_bits = bits.length_bytes >> (filter->log2_bits - 3) >> 2;
    const size_t of_words = samples.length_bytes / sizeof(int32_t);
    const int32_t n = int_get_within(self, args[2], 0, (int32_t)(of_bits < of_words ? of_bits : of_words),
                                     "n must be 0..samples in bits and words");
    pdm_decimate(filter, bits.start, n, taps, (int32_t)n_taps, samples.start);
    return mp_none();
}

typedef int32_t (*cobs_t)(const uint8_t *source, int32_t length, uint8_t *destination, int32_t room);

static mp_obj_t cobs_call(const mp_function_t *self, const mp_obj_t *args, cobs_t operation)
{
    mp_buffer_t source;
    mp_buffer_t destination;
    if (!mp_buffer_get(args[0], &source, MP_BUFFER_READ)) {
        type_error_raise(self, "src must be a buffer");
    }
    const int32_t length = int_get_within(self, args[1], 0, (int32_t)source.length_bytes, "n must be 0..len(src)");
    if (!mp_buffer_get(args[2], &destination, MP_BUFFER_WRITE)) {
        type_error_raise(self, "dst must be a writable buffer");
    }
    const int32_t written = operation(source.start, length, destination.start, (int32_t)destination.length_bytes);
    if (written == -2) {
        value_error_raise(self, "dst is too short");
    }
    return mp_int(written);
}

mp_obj_t native_cobs_encode(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    return cobs_call(self, args, cobs_encode);
}

mp_obj_t native_cobs_decode(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    (void)n_args;
    return cobs_call(self, args, cobs_decode);
}
