/* What the emulator checks at every block of instructions and every access, called by unicorn itself: on the host only. */
#include "host.h"

enum { BUFFERS_MAX = 8 };
enum { PROBLEM_UNALIGNED = 1, PROBLEM_OUTSIDE = 2, PROBLEM_RUNAWAY = 3 };
enum { ACCESS_WRITE = 17 };

static const uint32_t CONDITIONAL = 0x80000000u; /* in counts: the block holds an IT instruction */
static const uint32_t IT_STATE = 0x0600FC00u;    /* in the status register of Arm cores */

/* Mirrored in emulate_watch.py. Pointers first, then 64-bit, then 32-bit fields: no padding between them. */
typedef struct {
    int (*register_read)(void *engine, int number, void *value);
    int (*register_write)(void *engine, int number, const void *value);
    int (*emulation_stop)(void *engine);
    void (*on_unknown_block)(uint64_t address, uint32_t size); /* fills sizes and counts, or stops */
    void (*on_event)(uint64_t address);                       /* a counted function starts or has returned */
    uint32_t *sizes;                                          /* of the known block at each byte of the text */
    uint32_t *counts;                                         /* its instructions */
    uint8_t *entries;                                         /* 1 where a counted function starts */
    uint64_t text_start;
    uint64_t heap_start;
    uint64_t heap_end;
    uint64_t stack_start;
    uint64_t stack_end;
    uint64_t buffer_starts[BUFFERS_MAX];
    uint64_t buffer_ends[BUFFERS_MAX];
    uint64_t limit;      /* instructions of one call */
    uint64_t executed;
    uint64_t lowest;     /* deepest byte of the stack that was written */
    uint64_t returns_to; /* where the innermost counted call returns to */
    uint64_t problem_address;
    int32_t problem;
    int32_t problem_bytes;
    int32_t n_buffers;
    int32_t alignment_bytes;
    int32_t status_register; /* -1 on cores without conditional blocks */
    int32_t is_conditional;
    int32_t was_conditional;
} host_watch_t;

static void problem_report(host_watch_t *watch, void *engine, int32_t problem, uint64_t address, int32_t size)
{
    if (watch->problem == 0) {
        watch->problem = problem;
        watch->problem_address = address;
        watch->problem_bytes = size;
    }
    watch->emulation_stop(engine);
}

static void instructions_count(host_watch_t *watch, void *engine, uint64_t address, uint32_t count)
{
    if (watch->entries[address - watch->text_start] || address == watch->returns_to) {
        watch->on_event(address);
    }
    watch->executed += count;
    if (watch->executed > watch->limit) {
        problem_report(watch, engine, PROBLEM_RUNAWAY, address, 0);
    }
}

HOST_API void host_on_block(void *engine, uint64_t address, uint32_t size, void *user)
{
    host_watch_t *watch = user;
    const uint64_t offset = address - watch->text_start;

    if (watch->sizes[offset] != size) {
        watch->on_unknown_block(address, size);
        if (watch->sizes[offset] != size) {
            watch->emulation_stop(engine);
            return;
        }
    }
    const uint32_t count = watch->counts[offset];
    /* The last instructions of a long block may make the first of the next one conditional. */
    const int32_t is_conditional = (count & CONDITIONAL) != 0;
    watch->is_conditional = is_conditional || watch->was_conditional;
    watch->was_conditional = is_conditional;
    instructions_count(watch, engine, address, count & ~CONDITIONAL);
}

/* For instruction sets that blocks can't be split into instructions of. */
HOST_API void host_on_instruction(void *engine, uint64_t address, uint32_t size, void *user)
{
    (void)size;
    instructions_count(user, engine, address, 1);
}

/* Before an access hook unicorn (2.1) writes the IT state, as if an exception were due. Left as it is, it would make
 * the first instructions of the next block conditional; the running block has its own copy. */
static void it_state_clear(host_watch_t *watch, void *engine)
{
    uint64_t status = 0;

    watch->register_read(engine, watch->status_register, &status);
    if (status & IT_STATE) {
        status &= ~(uint64_t)IT_STATE;
        watch->register_write(engine, watch->status_register, &status);
    }
}

static int32_t buffer_holds(const host_watch_t *watch, uint64_t start, uint64_t end)
{
    for (int32_t i = 0; i < watch->n_buffers; i++) {
        if (start >= watch->buffer_starts[i] && end <= watch->buffer_ends[i]) {
            return 1;
        }
    }
    return 0;
}

HOST_API void host_on_access(void *engine, int type, uint64_t address, int size, int64_t value, void *user)
{
    host_watch_t *watch = user;
    const int32_t alignment = size < watch->alignment_bytes ? size : watch->alignment_bytes;

    (void)value;
    if (watch->is_conditional && watch->status_register >= 0) {
        it_state_clear(watch, engine);
    }
    if (address & (uint64_t)(alignment - 1)) {
        problem_report(watch, engine, PROBLEM_UNALIGNED, address, size);
    }
    if (address >= watch->heap_start && address < watch->heap_end) {
        if (!buffer_holds(watch, address, address + (uint64_t)size)) {
            problem_report(watch, engine, PROBLEM_OUTSIDE, address, size);
        }
    } else if (type == ACCESS_WRITE && address >= watch->stack_start && address < watch->stack_end &&
               address < watch->lowest) {
        watch->lowest = address;
    }
}
