/* The functions that a model's module exports (module ABI 1). None but info allocates. */
#ifndef MP_MODEL_H
#define MP_MODEL_H

#include "mp_module.h"

mp_obj_t model_init(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t model_push(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t model_ready(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t model_features(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t model_classify(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t model_predict(const mp_function_t *self, size_t n_args, const mp_obj_t *args);
mp_obj_t model_info(const mp_function_t *self, size_t n_args, const mp_obj_t *args);

#endif
