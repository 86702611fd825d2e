/* The entry of a native module: puts the export table into the module's globals. */
#include "mp_module.h"

enum { KIND_VIPER = 4 };

/* What make_function reads (mp_raw_code_t); spare words cover fields that only bytecode uses. */
typedef struct {
    uint8_t indicator[2];
    uint8_t kind;
    uint8_t flags;
    mp_native_t code;
    void *children;
    uintptr_t spare[5];
} function_record_t;

_Noreturn void value_error_raise(const mp_function_t *self, const char *message)
{
    mp_raise(mp_global_load(self->context->qstrs[MP_QSTR_VALUE_ERROR]), message);
}

_Noreturn void type_error_raise(const mp_function_t *self, const char *message)
{
    mp_raise(mp_global_load(self->context->qstrs[MP_QSTR_TYPE_ERROR]), message);
}

size_t int16_array_get(const mp_function_t *self, mp_obj_t object, int flags, int16_t **items, const char *message)
{
    mp_buffer_t buffer;
    if (!mp_buffer_get(object, &buffer, flags) || buffer.typecode != 'h') {
        type_error_raise(self, message);
    }
    *items = buffer.start;
    return buffer.length_bytes / sizeof(int16_t);
}

int32_t int_get_within(const mp_function_t *self, mp_obj_t object, int32_t minimum, int32_t maximum,
                       const char *message)
{
    const intptr_t value = mp_int_get(object);
    if (value < minimum || value > maximum) {
        value_error_raise(self, message);
    }
    return (int32_t)value;
}

mp_obj_t mp_module_init(const mp_function_t *self, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)n_args;
    (void)n_kw;
    (void)args;
    const mp_context_t *context = self->context;
    void *globals_before = mp_globals_swap(context->globals);
    for (size_t i = 0; i < mp_export_count; i++) {
        const mp_export_t *export = &mp_exports[i];
        mp_obj_t object;
        if (export->function == NULL) {
            object = mp_int(export->value);
        } else {
            const function_record_t record = {.kind = KIND_VIPER, .code = export->function};
            object = mp_function_make(&record, context);
        }
        mp_global_store(context->qstrs[MP_QSTR_FIRST_EXPORT + i], object);
    }
    mp_globals_swap(globals_before);
    return mp_none();
}
