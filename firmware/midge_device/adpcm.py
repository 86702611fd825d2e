"""IMA ADPCM (IMA Digital Audio Doc-Pac, 1992): sound in four bits a sample, each block by itself. [S]

`encode` is in C where the firmware loads native code; `encode_slow` is its twin, held to the same vectors.
A block is as in a mono WAV file of format 0x11: the first sample, the index of the step after it, 0, then a
nibble for each further sample, the low one first. So a lost block costs only itself.
"""

from array import array

HEAD_BYTES = 4

# fmt: off
STEPS = array("h", (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818,
    18500, 20350, 22385, 24623, 27086, 29794, 32767,
))
# fmt: on
MOST_INDEX = len(STEPS) - 1


def block_bytes(n: int) -> int:
    """Length of a block of n samples."""
    return HEAD_BYTES + n // 2


def encode_slow(samples, n: int, index: int, block) -> int:
    """The first n ≥ 1 of array('h') `samples` into the buffer `block`; returns the next block's `index`.

    The first block's index is 0.
    """
    predicted = samples[0]
    block[0] = predicted & 0xFF
    block[1] = predicted >> 8 & 0xFF
    block[2] = index
    block[3] = 0
    for i in range(1, n):
        step = STEPS[index]
        left = samples[i] - predicted
        change = step >> 3
        sign = 0
        if left < 0:
            sign = 8
            left = -left
        nibble = 0
        if left >= step:
            nibble = 4
            left -= step
            change += step
        if left >= step >> 1:
            nibble |= 2
            left -= step >> 1
            change += step >> 1
        if left >= step >> 2:
            nibble |= 1
            change += step >> 2
        predicted += -change if sign else change
        predicted = -32768 if predicted < -32768 else 32767 if predicted > 32767 else predicted
        index += -1 if nibble < 4 else 2 * (nibble - 3)
        index = 0 if index < 0 else MOST_INDEX if index > MOST_INDEX else index
        at = HEAD_BYTES + (i - 1) // 2
        block[at] = nibble | sign if i & 1 else block[at] | (nibble | sign) << 4
    return index


try:
    from midge_native import encode_adpcm as encode
except (ImportError, ValueError):  # see primitives.py
    encode = encode_slow
