"""One-bit sound to samples: the low pass of the decimator, and the decimator's slow twin in Python.

The bits go through a cascade of four integrators and four combs (Hogenauer 1981), which gives four values a
sample; the low pass takes every fourth, and makes up for what the cascade takes from high tones: flat to
0.41 of the sample rate within 0.05 dB, 66 dB down from 0.57 of it on.
"""

from array import array

STATE_WORDS = 653  # pdm_filter of firmware/native/pdm.h
STEP = 4  # values of the cascade to a sample
LEAST_BITS = 8 * STEP  # to a sample
MOST_BITS = 64 * STEP
_ORDER = 4

# The first half and the middle; scipy.signal.firls, as tests/compile/test_pdm.py makes it.
# fmt: off
_HALF = (
    1, 3, 7, 9, 8, 0, -12, -23, -23, -8, 18, 43, 50, 28, -20, -71, -93, -63, 15, 106, 156, 123, 5, -146,
    -245, -217, -49, 189, 366, 361, 133, -229, -535, -586, -289, 260, 788, 970, 597, -266, -1248, -1791,
    -1391, 155, 2598, 5278, 7356, 8132,
)
# fmt: on


def taps():
    """The low pass: array('h'), 32768 in all, symmetric about its 48th, with a zero before it."""
    # MicroPython has no unpacking in a display, and no step in a slice of a tuple.
    return array("h", [0] + list(_HALF) + list(reversed(_HALF[:-1])))  # noqa: RUF005


def state(bits_a_sample: int):
    """What decimate_pdm keeps from block to block; ValueError for a number of bits that it can't take."""
    if bits_a_sample not in (32, 64, 128, 256):
        raise ValueError("{} bits a sample; there must be 32, 64, 128 or 256".format(bits_a_sample))
    made = array("i", bytes(4 * STATE_WORDS))
    log2_bits = 0
    while STEP << log2_bits < bits_a_sample:
        log2_bits += 1
    made[0] = log2_bits
    return made


def decimate_pdm_slow(bits, words, n: int, state, taps) -> None:
    """n samples out of bits, the first in bit 0 of the first byte; full scale is 1 << 30.

    Keeps integrators, combs and the last values in `state`, where the C keeps them.
    """
    n_taps = len(taps)
    sums = 3  # places in state
    before = sums + _ORDER
    recent = before + _ORDER
    if not state[1]:
        state[1] = 1
        for i in range(2, STATE_WORDS):
            state[i] = 0
    bits_a_value = 1 << state[0]
    growth = _ORDER * state[0]
    at = 0
    for i in range(n):
        for _ in range(STEP):
            for _k in range(bits_a_value):
                value = bits[at >> 3] >> (at & 7) & 1
                at += 1
                for order in range(_ORDER):
                    value = (value + state[sums + order]) & 0xFFFFFFFF
                    state[sums + order] = value - (value >> 31 << 32)
            for order in range(_ORDER):
                kept = value
                value = (value - state[before + order]) & 0xFFFFFFFF
                state[before + order] = kept - (kept >> 31 << 32)
            value = 2 * value - (1 << growth)
            if growth < 15:
                value <<= 15 - growth
            elif growth > 15:
                value = (value + (1 << (growth - 16))) >> (growth - 15)
            state[recent + state[2]] = value if value < 32767 else 32767
            state[2] = (state[2] + 1) % n_taps
        total = 0
        for k in range(n_taps):
            total += state[recent + (state[2] + k) % n_taps] * taps[k]
        words[i] = total


try:
    from midge_native import decimate_pdm
# As in primitives.py.
except (ImportError, ValueError):
    decimate_pdm = decimate_pdm_slow
