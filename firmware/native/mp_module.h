/* A module's export table, its error kinds and the argument checks that every exported function shares. */
#ifndef MP_MODULE_H
#define MP_MODULE_H

#include "mp_table.h"

/* An export is a function, or a constant if `function` is NULL. */
typedef struct {
    mp_native_t function;
    int32_t value;
} mp_export_t;

/* In the order of the names in the .mpy's string table; generated for each module. */
extern const mp_export_t mp_exports[];
extern const uint16_t mp_export_count;

/* The string table starts with the file name and the error kinds; the exports' names follow. */
enum { MP_QSTR_VALUE_ERROR = 1, MP_QSTR_TYPE_ERROR = 2, MP_QSTR_FIRST_EXPORT = 3 };

_Noreturn void value_error_raise(const mp_function_t *self, const char *message);
_Noreturn void type_error_raise(const mp_function_t *self, const char *message);

/* A readable (or writable) array('h'); `message` is the TypeError's text if it isn't one. Returns its item count. */
size_t int16_array_get(const mp_function_t *self, mp_obj_t object, int flags, int16_t **items, const char *message);

/* An int within minimum..maximum, else ValueError with `message`. */
int32_t int_get_within(const mp_function_t *self, mp_obj_t object, int32_t minimum, int32_t maximum,
                       const char *message);

/* The entry of the module: the loader starts at its first byte. */
mp_obj_t mp_module_init(const mp_function_t *self, size_t n_args, size_t n_kw, const mp_obj_t *args);

#endif
