/* Square roots of integers, two bits of the radicand a step: no multiplication, no division, exact. */
#include "integer_root.h"

uint32_t root_floor_u32(uint32_t value)
{
    uint32_t root = 0;
    uint32_t bit = (uint32_t)1 << 30;

    while (bit > value) {
        bit >>= 2;
    }
    while (bit != 0) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return root;
}

uint32_t root_floor_u64(uint64_t value)
{
    uint64_t root = 0;
    uint64_t bit = (uint64_t)1 << 62;

    /* Small values, the usual ones, need no 64-bit step. */
    if ((value >> 32) == 0) {
        return root_floor_u32((uint32_t)value);
    }
    while (bit > value) {
        bit >>= 2;
    }
    while (bit != 0) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return (uint32_t)root;
}

uint32_t root_round_u32(uint32_t value)
{
    uint32_t root = root_floor_u32(value);

    /* (root + 1/2)^2 = root^2 + root + 1/4 */
    return value - root * root > root ? root + 1 : root;
}
