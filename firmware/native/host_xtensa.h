/* The state of a core of host_xtensa.c, mirrored in emulate_xtensa.py, and the memory that a module may use.
 *
 * In a header, so that the instructions have it inline. */
#ifndef HOST_XTENSA_H
#define HOST_XTENSA_H

#include <stdint.h>

enum { REGISTERS = 16384, MOST_REGIONS = 16, MOST_BUFFERS = 8, MOST_STOPS = 32 };
/* What a region lets the module do with it. */
enum { WORDS_ONLY = 1, READ_ONLY = 2, BUFFERS_ONLY = 4, STACK = 8 };
enum { PROBLEM_UNALIGNED = 1, PROBLEM_OUTSIDE, PROBLEM_RUNAWAY, PROBLEM_INSTRUCTION, PROBLEM_DEPTH };
/* Bytes below a stack pointer where an overflowing window is saved. */
enum { SAVED_BYTES = 16 };

typedef struct {
    uint32_t start;
    uint32_t end;
    uint32_t flags;
    uint8_t *memory;
} xtensa_region;

typedef struct {
    uint64_t executed;
    uint64_t limit;
    uint32_t pc;
    uint32_t shift;     /* SAR */
    uint32_t increment; /* PS.CALLINC */
    uint32_t base;      /* of the window */
    uint32_t lowest;    /* the stack has been used down to here */
    uint32_t traps_start;
    uint32_t traps_end;
    uint32_t problem;
    uint32_t problem_address;
    uint32_t problem_bytes;
    uint32_t n_regions;
    uint32_t n_buffers;
    uint32_t n_stops;
    uint32_t stops[MOST_STOPS];
    uint32_t buffer_starts[MOST_BUFFERS];
    uint32_t buffer_ends[MOST_BUFFERS];
    uint32_t registers[REGISTERS];
    xtensa_region regions[MOST_REGIONS];
} xtensa_core;

static inline void problem_report(xtensa_core *core, uint32_t problem, uint32_t address, uint32_t bytes)
{
    if (!core->problem) {
        core->problem = problem;
        core->problem_address = address;
        core->problem_bytes = bytes;
    }
}

static inline int32_t buffer_holds(const xtensa_core *core, uint32_t start, uint32_t end)
{
    for (uint32_t i = 0; i < core->n_buffers; i++) {
        if (start >= core->buffer_starts[i] && end <= core->buffer_ends[i]) {
            return 1;
        }
    }
    return 0;
}

static inline uint8_t *memory_at(xtensa_core *core, uint32_t address, uint32_t bytes, int32_t is_write)
{
    if (address & (bytes - 1)) {
        problem_report(core, PROBLEM_UNALIGNED, address, bytes);
        return 0;
    }
    for (uint32_t i = 0; i < core->n_regions; i++) {
        const xtensa_region *const region = &core->regions[i];

        if (address >= region->start && address < region->end) {
            if ((region->flags & WORDS_ONLY && bytes != 4) || (region->flags & READ_ONLY && is_write) ||
                (region->flags & BUFFERS_ONLY && !buffer_holds(core, address, address + bytes))) {
                break;
            }
            if (region->flags & STACK && is_write && address < core->lowest) {
                core->lowest = address;
            }
            return region->memory + (address - region->start);
        }
    }
    problem_report(core, PROBLEM_OUTSIDE, address, bytes);
    return 0;
}

static inline uint32_t value_load(xtensa_core *core, uint32_t address, uint32_t bytes)
{
    const uint8_t *const at = memory_at(core, address, bytes, 0);
    uint32_t value = 0;

    for (uint32_t i = 0; at && i < bytes; i++) {
        value |= (uint32_t)at[i] << 8 * i;
    }
    return value;
}

static inline void value_store(xtensa_core *core, uint32_t address, uint32_t bytes, uint32_t value)
{
    uint8_t *const at = memory_at(core, address, bytes, 1);

    for (uint32_t i = 0; at && i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

#endif
