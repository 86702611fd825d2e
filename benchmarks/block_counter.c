/* Counts how often each block of instructions runs, for unicorn: no Python between two blocks. */
#include <stdint.h>

#define SLOTS (1u << 18)

typedef struct {
    uint64_t address;
    uint64_t runs;
    uint32_t size;
} block;

typedef struct {
    block blocks[SLOTS]; /* open addressing; size 0 = free */
    uint64_t runs_left;  /* of all blocks; at 0 the emulator is stopped */
    int (*stop)(void *);
    uint32_t n_used;
} counter;

uint32_t counter_bytes(void)
{
    return sizeof(counter);
}

void counter_start(counter *to, uint64_t runs_left, int (*stop)(void *))
{
    to->runs_left = runs_left;
    to->stop = stop;
}

uint64_t counter_left(const counter *from)
{
    return from->runs_left;
}

/* The callback of UC_HOOK_BLOCK. */
void counter_on_block(void *uc, uint64_t address, uint32_t size, void *user_data)
{
    counter *to = user_data;
    uint32_t slot = (uint32_t)(address >> 1) * 2654435761u;

    if (to->runs_left == 0 || to->n_used > SLOTS / 2) {
        to->runs_left = 0;
        to->stop(uc);
        return;
    }
    to->runs_left--;
    for (slot = (slot ^ slot >> 16) % SLOTS;; slot = (slot + 1) % SLOTS) {
        block *at = &to->blocks[slot];
        if (at->size == 0) {
            at->address = address;
            at->size = size;
            to->n_used++;
        }
        if (at->address == address && at->size == size) {
            at->runs++;
            return;
        }
    }
}

/* Writes the next block that ran from `slot` on as {address, size, runs}; the slot after it, 0 at the end. */
uint32_t counter_next(const counter *from, uint32_t slot, uint64_t *found)
{
    for (; slot < SLOTS; slot++) {
        const block *at = &from->blocks[slot];
        if (at->size != 0) {
            found[0] = at->address;
            found[1] = at->size;
            found[2] = at->runs;
            return slot + 1;
        }
    }
    return 0;
}
