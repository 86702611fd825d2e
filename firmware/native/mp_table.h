/* The part of MicroPython's native-module interface (.mpy 6.3: 1.23 and later) that midge's modules use. */
#ifndef MP_TABLE_H
#define MP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mp_opaque *mp_obj_t;

typedef struct {
    void *type;
    void *globals;
    const uint16_t *qstrs;
    void *objects;
} mp_context_t;

/* The function object whose code runs: the first argument of every function of a module. */
typedef struct {
    void *type;
    const mp_context_t *context;
    void *children;
    void *code;
} mp_function_t;

typedef mp_obj_t (*mp_native_t)(const mp_function_t *self, size_t n_args, size_t n_kw, const mp_obj_t *args);

typedef struct {
    void *start;
    size_t length_bytes;
    int typecode;
} mp_buffer_t;

enum { MP_BUFFER_READ = 1, MP_BUFFER_WRITE = 2 };

/* Filled in by the loader (relocation kind 8). Defined in mp_slot.S, where no compiler can fold its zero. */
extern const uintptr_t *const mp_fun_table;

enum { MP_TYPE_BOOL = 1, MP_TYPE_INT = 2, MP_TYPE_QSTR = 8 };

#define MP_CALL(index, ...) ((__VA_ARGS__)mp_fun_table[index])

static inline mp_obj_t mp_none(void) { return (mp_obj_t)mp_fun_table[0]; }

static inline mp_obj_t mp_bool(bool value) { return (mp_obj_t)mp_fun_table[value ? 2 : 1]; }

static inline intptr_t mp_int_get(mp_obj_t object) {
    return MP_CALL(3, intptr_t(*)(mp_obj_t, int))(object, MP_TYPE_INT);
}

static inline mp_obj_t mp_int(intptr_t value) {
    return MP_CALL(4, mp_obj_t(*)(intptr_t, int))(value, MP_TYPE_INT);
}

static inline void *mp_globals_swap(void *globals) { return MP_CALL(5, void *(*)(void *))(globals); }

static inline mp_obj_t mp_global_load(uint16_t qstr) { return MP_CALL(7, mp_obj_t(*)(size_t))(qstr); }

static inline void mp_global_store(uint16_t qstr, mp_obj_t value) {
    MP_CALL(13, void (*)(size_t, mp_obj_t))(qstr, value);
}

static inline mp_obj_t mp_function_make(const void *record, const mp_context_t *context) {
    return MP_CALL(26, mp_obj_t(*)(const void *, const mp_context_t *, const mp_obj_t *))(record, context, NULL);
}

static inline void mp_arguments_check(size_t n_args, size_t n_kw, uint32_t minimum, uint32_t maximum) {
    MP_CALL(44, void (*)(size_t, size_t, uint32_t))(n_args, n_kw, minimum << 17 | maximum << 1);
}

/* Never returns. The message must be a static string: only its address is kept. */
static inline _Noreturn void mp_raise(mp_obj_t type, const char *message) {
    MP_CALL(55, void (*)(mp_obj_t, const char *))(type, message);
    __builtin_unreachable();
}

static inline mp_obj_t mp_string(const char *text, size_t length_bytes) {
    return MP_CALL(57, mp_obj_t(*)(const char *, size_t))(text, length_bytes);
}

static inline bool mp_buffer_get(mp_obj_t object, mp_buffer_t *buffer, int flags) {
    return MP_CALL(65, bool (*)(mp_obj_t, mp_buffer_t *, int))(object, buffer, flags);
}

#endif
