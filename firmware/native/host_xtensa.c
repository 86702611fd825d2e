/* Runs Xtensa code on the host: the integer instructions that ESP32, -S2 and -S3 have, with windowed calls.
 *
 * Xtensa Instruction Set Architecture reference manual, 'Instruction descriptions'. The register file has no end, so
 * windows never overflow. Stricter than a board: accesses must be aligned and lie in memory that the module may use,
 * and code is read by words only. */
#include "host.h"
#include "host_xtensa.h"

static const int32_t branch_constants[16] = {-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256};
static const uint32_t branch_constants_unsigned[16] = {32768, 65536, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256};

static uint32_t leading_zeros(uint32_t value)
{
    return value ? (uint32_t)__builtin_clz(value) : 32;
}

/* A call leaves the return address and the window's step where the called function's ENTRY finds them. */
static void call_windowed(xtensa_core *core, uint32_t *a, uint32_t increment, uint32_t target)
{
    a[4 * increment] = increment << 30 | ((core->pc + 3) & 0x3FFFFFFF);
    core->increment = increment;
    core->pc = target;
}

static void return_windowed(xtensa_core *core, const uint32_t *a)
{
    const uint32_t step = 4 * (a[0] >> 30);

    core->pc = (core->pc & 0xC0000000) | (a[0] & 0x3FFFFFFF);
    if (step == 0 || core->base < step) {
        problem_report(core, PROBLEM_DEPTH, core->pc, 0);
        return;
    }
    core->base -= step;
}

static void entry_run(xtensa_core *core, uint32_t s, uint32_t bytes)
{
    const uint32_t *const before = core->registers + core->base;
    uint32_t *after;

    if (core->base + 32 > REGISTERS) {
        problem_report(core, PROBLEM_DEPTH, core->pc, 0);
        return;
    }
    core->base += 4 * core->increment;
    after = core->registers + core->base;
    after[s] = before[s] - bytes;
    if (after[1] - SAVED_BYTES < core->lowest) {
        core->lowest = after[1] - SAVED_BYTES;
    }
    core->pc += 3;
}

static uint32_t is_taken(uint32_t condition, uint32_t s, uint32_t t, uint32_t place)
{
    uint32_t taken = 0;

    switch (condition & 7) {
    case 0: taken = (s & t) == 0; break;
    case 1: taken = s == t; break;
    case 2: taken = (int32_t)s < (int32_t)t; break;
    case 3: taken = s < t; break;
    case 4: taken = (s & t) == t; break;
    case 5: taken = !(s >> (t & 31) & 1); break;
    default: taken = !(s >> ((condition & 1) << 4 | place) & 1); break;
    }
    return condition & 8 ? !taken : taken;
}

/* ADD … SUBX8, logic, shifts, multiplication, minimum; 0 if there is no such instruction. */
static int32_t register_run(xtensa_core *core, uint32_t *a, uint32_t word)
{
    const uint32_t t = word >> 4 & 15, s = word >> 8 & 15, r = word >> 12 & 15;
    const uint32_t kind = word >> 16 & 15, third = word >> 20 & 15;
    const uint32_t x = a[s], y = a[t];

    switch (kind << 4 | third) {
    case 0x01: a[r] = x & y; return 1;
    case 0x02: a[r] = x | y; return 1;
    case 0x03: a[r] = x ^ y; return 1;
    case 0x04:
        switch (r) {
        case 0: core->shift = x & 31; return 1;
        case 1: core->shift = 32 - (x & 31); return 1;
        case 2: core->shift = (x & 3) * 8; return 1;
        case 3: core->shift = 32 - (x & 3) * 8; return 1;
        case 4: core->shift = s | (t & 1) << 4; return 1;
        case 14: a[t] = leading_zeros(x ^ (uint32_t)((int32_t)x >> 31)) - 1; return 1;
        case 15: a[t] = leading_zeros(x); return 1;
        default: return 0;
        }
    case 0x06:
        if (s > 1) {
            return 0;
        }
        a[r] = s == 0 || (int32_t)y < 0 ? 0u - y : y;
        return 1;
    case 0x08: case 0x09: case 0x0A: case 0x0B: a[r] = (x << (third & 3)) + y; return 1;
    case 0x0C: case 0x0D: case 0x0E: case 0x0F: a[r] = (x << (third & 3)) - y; return 1;
    case 0x10: case 0x11: a[r] = (uint32_t)((uint64_t)x << (32 - (t | (third & 1) << 4))); return 1;
    case 0x12: case 0x13: a[r] = (uint32_t)((int32_t)y >> (s | (third & 1) << 4)); return 1;
    case 0x14: a[r] = y >> s; return 1;
    case 0x18: a[r] = (uint32_t)(((uint64_t)x << 32 | y) >> core->shift); return 1;
    case 0x19: a[r] = (uint32_t)((uint64_t)y >> core->shift); return 1;
    case 0x1A: a[r] = (uint32_t)((uint64_t)x << 32 >> core->shift); return 1;
    case 0x1B: a[r] = (uint32_t)((int64_t)(int32_t)y >> core->shift); return 1;
    case 0x1C: a[r] = (x & 0xFFFF) * (y & 0xFFFF); return 1;
    case 0x1D: a[r] = (uint32_t)((int16_t)x * (int16_t)y); return 1;
    case 0x28: a[r] = x * y; return 1;
    case 0x2A: a[r] = (uint32_t)((uint64_t)x * y >> 32); return 1;
    case 0x2B: a[r] = (uint32_t)((uint64_t)((int64_t)(int32_t)x * (int32_t)y) >> 32); return 1;
    case 0x2C: case 0x2D: case 0x2E: case 0x2F:
        if (y == 0) {
            return 0;
        }
        if (third == 12 || third == 14) {
            a[r] = third == 12 ? x / y : x % y;
        } else {
            a[r] = (uint32_t)(third == 13 ? (int64_t)(int32_t)x / (int32_t)y : (int64_t)(int32_t)x % (int32_t)y);
        }
        return 1;
    case 0x32: a[r] = (uint32_t)((int32_t)(x << (24 - t)) >> (24 - t)); return 1;
    case 0x33: {
        const int32_t most = (1 << (t + 7)) - 1;
        a[r] = (uint32_t)((int32_t)x > most ? most : (int32_t)x < ~most ? ~most : (int32_t)x);
        return 1;
    }
    case 0x34: a[r] = (int32_t)x < (int32_t)y ? x : y; return 1;
    case 0x35: a[r] = (int32_t)x < (int32_t)y ? y : x; return 1;
    case 0x36: a[r] = x < y ? x : y; return 1;
    case 0x37: a[r] = x < y ? y : x; return 1;
    case 0x38: a[r] = y == 0 ? x : a[r]; return 1;
    case 0x39: a[r] = y != 0 ? x : a[r]; return 1;
    case 0x3A: a[r] = (int32_t)y < 0 ? x : a[r]; return 1;
    case 0x3B: a[r] = (int32_t)y >= 0 ? x : a[r]; return 1;
    default:
        if (kind == 4 || kind == 5) {
            a[r] = y >> (s | (kind & 1) << 4) & ((1u << (third + 1)) - 1);
            return 1;
        }
        return 0;
    }
}

/* RETW, JX, CALLX, MOVSP, barriers: 0 if it is none of them; 2 if the code goes on elsewhere. */
static int32_t jump_run(xtensa_core *core, uint32_t *a, uint32_t word)
{
    const uint32_t n = word >> 4 & 3, m = word >> 6 & 3, s = word >> 8 & 15, r = word >> 12 & 15;

    if (r == 1) {
        a[word >> 4 & 15] = a[s];
        return 1;
    }
    if (r == 2) {
        return 1;
    }
    if (r != 0 || m < 2) {
        return 0;
    }
    if (m == 3 && n > 0) {
        call_windowed(core, a, n, a[s]);
        return 2;
    }
    if (m == 2 && n == 1) {
        return_windowed(core, a);
        return 2;
    }
    if (m == 2 && n == 2) {
        core->pc = a[s];
        return 2;
    }
    return 0;
}

static int32_t memory_run(xtensa_core *core, uint32_t *a, uint32_t word)
{
    const uint32_t t = word >> 4 & 15, s = word >> 8 & 15, immediate = word >> 16;

    switch (word >> 12 & 15) {
    case 0: a[t] = value_load(core, a[s] + immediate, 1); return 1;
    case 1: a[t] = value_load(core, a[s] + 2 * immediate, 2); return 1;
    case 2: a[t] = value_load(core, a[s] + 4 * immediate, 4); return 1;
    case 4: value_store(core, a[s] + immediate, 1, a[t]); return 1;
    case 5: value_store(core, a[s] + 2 * immediate, 2, a[t]); return 1;
    case 6: value_store(core, a[s] + 4 * immediate, 4, a[t]); return 1;
    case 9: a[t] = (uint32_t)(int16_t)value_load(core, a[s] + 2 * immediate, 2); return 1;
    case 10: a[t] = (uint32_t)((int32_t)((s << 8 | immediate) << 20) >> 20); return 1;
    case 12: a[t] = a[s] + (uint32_t)(int8_t)immediate; return 1;
    case 13: a[t] = a[s] + ((uint32_t)(int8_t)immediate << 8); return 1;
    default: return 0;
    }
}

/* J, branches on zero and on constants, ENTRY. */
static int32_t branch_run(xtensa_core *core, const uint32_t *a, uint32_t word)
{
    const uint32_t n = word >> 4 & 3, m = word >> 6 & 3, s = word >> 8 & 15, r = word >> 12 & 15;
    const uint32_t x = a[s], away = (uint32_t)(int8_t)(word >> 16);
    uint32_t taken;

    if (n == 0) {
        core->pc += 4 + (uint32_t)((int32_t)(word << 8) >> 14);
        return 2;
    }
    if (n == 1) {
        taken = m == 0 ? x == 0 : m == 1 ? x != 0 : m == 2 ? (int32_t)x < 0 : (int32_t)x >= 0;
        core->pc += taken ? 4 + (uint32_t)((int32_t)(word << 8) >> 20) : 3;
        return 2;
    }
    if (n == 2) {
        const int32_t y = branch_constants[r];
        taken = m == 0 ? (int32_t)x == y : m == 1 ? (int32_t)x != y : m == 2 ? (int32_t)x < y : (int32_t)x >= y;
    } else if (m == 0) {
        entry_run(core, s, (word >> 12) * 8);
        return 2;
    } else if (m == 1) {
        return 0;
    } else {
        taken = m == 2 ? x < branch_constants_unsigned[r] : x >= branch_constants_unsigned[r];
    }
    core->pc += taken ? 4 + away : 3;
    return 2;
}

static int32_t narrow_run(xtensa_core *core, uint32_t *a, uint32_t word)
{
    const uint32_t t = word >> 4 & 15, s = word >> 8 & 15, r = word >> 12 & 15;

    switch (word & 15) {
    case 8: a[t] = value_load(core, a[s] + 4 * r, 4); return 1;
    case 9: value_store(core, a[s] + 4 * r, 4, a[t]); return 1;
    case 10: a[r] = a[s] + a[t]; return 1;
    case 11: a[r] = a[s] + (t == 0 ? 0xFFFFFFFF : t); return 1;
    case 12:
        if (t & 8) {
            const uint32_t taken = t & 4 ? a[s] != 0 : a[s] == 0;
            core->pc += taken ? 4 + (r | (t & 3) << 4) : 2;
            return 2;
        }
        a[s] = r | (t & 7) << 4;
        a[s] -= a[s] >= 96 ? 128 : 0;
        return 1;
    case 13:
        if (r == 0) {
            a[t] = a[s];
            return 1;
        }
        if (r == 15 && t == 1) {
            return_windowed(core, a);
            return 2;
        }
        return r == 15 && t == 3;
    default: return 0;
    }
}

/* 0: not known; 1: go on behind it; 2: pc is set. */
static int32_t instruction_run(xtensa_core *core, uint32_t word)
{
    uint32_t *const a = core->registers + core->base;

    switch (word & 15) {
    case 0: return word >> 16 ? register_run(core, a, word) : jump_run(core, a, word);
    case 1:
        a[word >> 4 & 15] = value_load(core, ((core->pc + 3) & ~3u) + 4 * ((word >> 8) - 0x10000u), 4);
        return 1;
    case 2: return memory_run(core, a, word);
    case 5:
        if (!(word >> 4 & 3)) {
            return 0;
        }
        call_windowed(core, a, word >> 4 & 3, (core->pc & ~3u) + 4 + 4 * (uint32_t)((int32_t)(word << 8) >> 14));
        return 2;
    case 6: return branch_run(core, a, word);
    case 7: {
        const uint32_t taken = is_taken(word >> 12 & 15, a[word >> 8 & 15], a[word >> 4 & 15], word >> 4 & 15);
        core->pc += taken ? 4 + (uint32_t)(int8_t)(word >> 16) : 3;
        return 2;
    }
    default: return narrow_run(core, a, word);
    }
}

static int32_t is_stop(const xtensa_core *core)
{
    for (uint32_t i = 0; i < core->n_stops; i++) {
        if (core->pc == core->stops[i]) {
            return 1;
        }
    }
    return core->pc >= core->traps_start && core->pc < core->traps_end;
}

/* Bytes of a core, to be held against the host's own idea of it. */
HOST_API uint32_t host_xtensa_bytes(void)
{
    return sizeof(xtensa_core);
}

/* Runs from pc on, at least one instruction, to the next stop, trap or problem. */
HOST_API void host_xtensa_run(xtensa_core *core)
{
    const xtensa_region *text = core->regions;

    do {
        const uint32_t at = core->pc;

        const uint8_t *const code = text->memory + (at - text->start);

        if (at < text->start || at + 2 > text->end || (at + 3 > text->end && (*code & 15) < 8)) {
            problem_report(core, PROBLEM_OUTSIDE, at, 3);
            return;
        }
        const uint32_t is_narrow = (*code & 15) >= 8;
        const uint32_t word = code[0] | (uint32_t)code[1] << 8 | (is_narrow ? 0 : (uint32_t)code[2] << 16);
        const int32_t done = instruction_run(core, word);

        if (done == 0) {
            problem_report(core, PROBLEM_INSTRUCTION, at, is_narrow ? 2 : 3);
        } else if (done == 1) {
            core->pc = at + (is_narrow ? 2 : 3);
        }
        if (++core->executed >= core->limit) {
            problem_report(core, PROBLEM_RUNAWAY, at, 0);
        }
    } while (!core->problem && !is_stop(core));
}
