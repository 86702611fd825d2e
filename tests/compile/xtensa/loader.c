/* A stand-in for MicroPython under qemu-xtensa: imports one module, runs rows and windows from stdin through it.
 *
 * stdin, words: n_qstrs, first function's qstr, n_features, n_scores, state bytes, n_rows, n_windows, samples of a
 * window, channels; then rows and windows, int16. stdout: length of info() and its text; for each row winner and
 * scores; for each window features, winner, scores. */
#include <stddef.h>
#include <stdint.h>

enum { READ = 12, WRITE = 13, EXIT = 118, SIGACTION = 226, ILLEGAL_INSTRUCTION = 4 };
enum { MOST_QSTRS = 32, OBJECT_WORDS = 4, BUFFER_BYTES = 1 << 16 };
enum { INIT, PUSH, READY, FEATURES, CLASSIFY, PREDICT, INFO };

typedef uint32_t object;

typedef struct {
    uint8_t *start;
    uint32_t length_bytes;
    int32_t typecode;
} buffer;

typedef object (*function)(const uint32_t *self, size_t n_args, size_t n_kw, const object *args);

/* Laid out by the test: writable, the table of functions filled in. */
typedef struct {
    uint32_t fun_table[87];
    function entry;
    uint32_t n_objects;
    uint16_t qstrs[MOST_QSTRS];
    uint32_t context[4];
    object globals[MOST_QSTRS];
    uint32_t objects[MOST_QSTRS][OBJECT_WORDS];
    const char *text;
    uint32_t text_bytes;
    uint32_t spilled[8];
    uint8_t memory[4][BUFFER_BYTES] __attribute__((aligned(8)));
} machine_state;

extern machine_state machine;

static long call(long number, long a, long b, long c, long d)
{
    register long r2 __asm__("a2") = number;
    register long r6 __asm__("a6") = a;
    register long r3 __asm__("a3") = b;
    register long r4 __asm__("a4") = c;
    register long r5 __asm__("a5") = d;

    /* syscall */
    __asm__ volatile(".byte 0x00, 0x50, 0x00" : "+r"(r2) : "r"(r6), "r"(r3), "r"(r4), "r"(r5) : "memory");
    return r2;
}

static void bytes_write(int file, const void *from, uint32_t n)
{
    const uint8_t *at = from;

    while (n > 0) {
        const long done = call(WRITE, file, (long)at, (long)n, 0);
        if (done <= 0) {
            call(EXIT, 4, 0, 0, 0);
        }
        at += done;
        n -= (uint32_t)done;
    }
}

static void bytes_read(void *to, uint32_t n)
{
    uint8_t *at = to;

    while (n > 0) {
        const long done = call(READ, 0, (long)at, (long)n, 0);
        if (done <= 0) {
            call(EXIT, 3, 0, 0, 0);
        }
        at += done;
        n -= (uint32_t)done;
    }
}

/* High word of a product, out of products of 16 bits: the core that is emulated has nothing else. Volatile, or the
 * compiler sees through it. */
static uint32_t high_word(uint32_t a, uint32_t b)
{
    const uint32_t low = (a & 0xFFFF) * (b & 0xFFFF);
    volatile const uint32_t middle = (a >> 16) * (b & 0xFFFF) + (low >> 16);
    const uint32_t other = (a & 0xFFFF) * (b >> 16) + (middle & 0xFFFF);

    return (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16);
}

/* MULUH and MULSH, which ESP32 has and the emulated core lacks. Words of the context: 5 is the pc, 13 is a0. */
void illegal_instruction(int number, void *info, uint32_t *context)
{
    const uint8_t *const code = (const uint8_t *)context[5];
    const uint32_t word = code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16;
    uint32_t *const registers = context + 13;
    const uint32_t a = registers[word >> 8 & 15];
    const uint32_t b = registers[word >> 4 & 15];
    uint32_t high;

    (void)number;
    (void)info;
    if ((word & 0xEF000F) != 0xA20000) {
        /* In hexadecimal, for whoever wonders. */
        for (int32_t at = 20; at >= 0; at -= 4) {
            bytes_write(2, &"0123456789abcdef"[word >> at & 15], 1);
        }
        call(EXIT, 5, 0, 0, 0);
    }
    high = high_word(a, b);
    if (word >> 20 == 0xB) {
        high -= ((int32_t)a < 0 ? b : 0) + ((int32_t)b < 0 ? a : 0);
    }
    registers[word >> 12 & 15] = high;
    context[5] += 3;
}

/* The functions of mp_fun_table that midge's modules call. An int is a word with the lowest bit set. */

int32_t table_from_object(object value, int32_t kind)
{
    (void)kind;
    return (int32_t)value >> 1;
}

object table_to_object(int32_t value, int32_t kind)
{
    (void)kind;
    return (uint32_t)value << 1 | 1;
}

uint32_t table_swap_globals(uint32_t globals)
{
    return globals;
}

object table_load_global(uint32_t qstr)
{
    return qstr;
}

void table_store_global(uint32_t qstr, object value)
{
    machine.globals[qstr] = value;
}

object table_make_function(const uint32_t *record, uint32_t context, uint32_t args)
{
    uint32_t *const made = machine.objects[machine.n_objects++];

    (void)args;
    made[1] = context;
    made[3] = record[1];
    return (object)made;
}

void table_check_arguments(size_t n_args, size_t n_kw, uint32_t signature)
{
    if (n_kw || n_args < signature >> 17 || n_args > (signature >> 1 & 0xFFFF)) {
        call(EXIT, 6, 0, 0, 0);
    }
}

void *table_set(uint8_t *to, int value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile uint8_t *)to)[i] = (uint8_t)value;
    }
    return to;
}

void *table_move(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t at = to < from ? i : n - 1 - i;
        ((volatile uint8_t *)to)[at] = from[at];
    }
    return to;
}

void table_raise(object type, const char *message)
{
    uint32_t n = 0;

    (void)type;
    while (message[n]) {
        n++;
    }
    bytes_write(2, message, n);
    call(EXIT, 1, 0, 0, 0);
}

object table_new_string(const char *text, size_t n)
{
    machine.text = text;
    machine.text_bytes = (uint32_t)n;
    return 0;
}

int32_t table_get_buffer(const buffer *value, buffer *found, int flags)
{
    (void)flags;
    *found = *value;
    return 1;
}

static object run(uint32_t first, uint32_t which, uint32_t n_args, const object *args)
{
    const uint32_t *const self = (const uint32_t *)machine.globals[first + which];

    return ((function)self[3])(self, n_args, 0, args);
}

static __attribute__((noinline)) void everything_run(void)
{
    uint32_t head[9];
    uint32_t action[4] = {(uint32_t)illegal_instruction, 4, 0, 0};
    const uint32_t self[4] = {0, (uint32_t)machine.context, 0, 0};

    call(SIGACTION, ILLEGAL_INSTRUCTION, (long)action, 0, 8);
    bytes_read(head, sizeof head);
    const uint32_t first = head[1], n_features = head[2], n_scores = head[3];
    buffer state = {machine.memory[0], head[4], 'B'};
    buffer features = {machine.memory[1], 2 * n_features, 'h'};
    buffer scores = {machine.memory[2], 2 * n_scores, 'h'};
    buffer block = {machine.memory[3], 2 * head[7] * head[8], 'h'};

    for (uint32_t i = 0; i < head[0]; i++) {
        machine.qstrs[i] = (uint16_t)i;
    }
    machine.context[2] = (uint32_t)machine.qstrs;
    machine.entry(self, 0, 0, 0);
    run(first, INFO, 0, 0);
    bytes_write(1, &machine.text_bytes, 4);
    bytes_write(1, machine.text, machine.text_bytes);
    for (uint32_t row = 0; row < head[5]; row++) {
        const object args[2] = {(object)&features, (object)&scores};

        bytes_read(features.start, features.length_bytes);
        const int32_t winner = (int32_t)run(first, CLASSIFY, 2, args) >> 1;
        bytes_write(1, &winner, 4);
        bytes_write(1, scores.start, scores.length_bytes);
    }
    for (uint32_t window = 0; window < head[6]; window++) {
        const object fresh[1] = {(object)&state};
        const object to_features[2] = {(object)&state, (object)&features};
        const object to_scores[2] = {(object)&state, (object)&scores};
        uint32_t done = 0;

        bytes_read(block.start, block.length_bytes);
        run(first, INIT, 1, fresh);
        while (done < head[7]) {
            const object args[3] = {(object)&state, (object)&block, done << 1 | 1};
            done += run(first, PUSH, 3, args) >> 1;
        }
        run(first, FEATURES, 2, to_features);
        bytes_write(1, features.start, features.length_bytes);
        const int32_t winner = (int32_t)run(first, PREDICT, 2, to_scores) >> 1;
        bytes_write(1, &winner, 4);
        bytes_write(1, scores.start, scores.length_bytes);
    }
    call(EXIT, 0, 0, 0, 0);
}

/* Nobody has called this: a window overflow finds here where registers 4 to 7 of the caller would be. */
void start(void)
{
    __asm__ volatile("addi a8, a1, -16\n s32i %0, a8, 4" : : "r"(machine.spilled + 8) : "a8", "memory");
    everything_run();
}
