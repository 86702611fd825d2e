/* The functions that midge_native exports: board primitives. None allocates. */
#ifndef MP_NATIVE_H
#define MP_NATIVE_H

#include "mp_module.h"

mp_obj_t native_scale_axes(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t native_gather_words(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t native_scale_sound(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t native_decimate_pdm(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t native_encode_adpcm(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t native_cobs_encode(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t native_cobs_decode(const mp_function_t *self, size_t n_args, const mp_obj_t *args);

#endif
