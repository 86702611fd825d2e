"""The board's operations on whole blocks: in C from midge_native.mpy, or their slow twins in Python.

The twins are for boards whose firmware can't load native code. Both are held to the same vectors.
"""

from midge_device.wire.frame import cobs_decode as _cobs_decode
from midge_device.wire.frame import cobs_encode as _cobs_encode


def scale_axes_slow(block, n_samples: int, table) -> None:
    """Map and scale n_samples of three channels in place.

    table = [shift, src0, mul0, src1, mul1, src2, mul2]:
    out[c] = saturate16((block[src_c] * mul_c + (1 << (shift - 1))) >> shift).
    """
    shift = table[0]
    half = 1 << (shift - 1)
    src0 = table[1]  # one by one: a tuple of six would be allocated
    mul0 = table[2]
    src1 = table[3]
    mul1 = table[4]
    src2 = table[5]
    mul2 = table[6]
    for at in range(0, 3 * n_samples, 3):
        a = (block[at + src0] * mul0 + half) >> shift
        b = (block[at + src1] * mul1 + half) >> shift
        c = (block[at + src2] * mul2 + half) >> shift
        block[at] = -32768 if a < -32768 else 32767 if a > 32767 else a
        block[at + 1] = -32768 if b < -32768 else 32767 if b > 32767 else b
        block[at + 2] = -32768 if c < -32768 else 32767 if c > 32767 else c


def gather_words_slow(source, table, block, start: int, n: int) -> None:
    """Words out of packets: block[start·words + i·words + k] = word k of packet i of `source`.

    table = array('i', [stride, offset, words, big]): bytes a packet, where its words begin, how many of 16
    bits, 1 if their high byte comes first.
    """
    stride = table[0]
    words = table[2]
    high = 0 if table[3] else 1
    to = start * words
    for at in range(table[1], table[1] + n * stride, stride):
        for byte in range(at, at + 2 * words, 2):
            value = source[byte + high] << 8 | source[byte + 1 - high]
            block[to] = value - 65536 if value & 0x8000 else value
            to += 1


def scale_sound_slow(words, n: int, block, table) -> None:
    """n samples of sound out of bus words: shifted right, less their mean, which follows over 1000 samples.

    words: array('i') or bytearray of 32-bit words; table = array('i', [shift, 0 or 1 (the mean is known),
    mean in 256ths]), kept from block to block.
    """
    shift = table[0]
    mean = table[2]
    if not table[1] and n:
        table[1] = 1
        log2_n = 0
        while log2_n < 8 and 2 << log2_n <= n:
            log2_n += 1
        mean = 0
        for i in range(1 << log2_n):
            mean += words[i] >> shift
        mean = (mean >> log2_n) * 256
    for i in range(n):
        word = words[i] >> shift
        value = word - (mean >> 8)
        mean += (word * 256 - mean) >> 10
        block[i] = -32768 if value < -32768 else 32767 if value > 32767 else value
    table[2] = mean


try:
    import midge_native

    NATIVE = True
    scale_axes = midge_native.scale_axes
    gather_words = midge_native.gather_words
    scale_sound = midge_native.scale_sound
    cobs_encode = midge_native.cobs_encode
    cobs_decode = midge_native.cobs_decode
# Not installed, or older than this library; or the firmware loads no native code, or not of this kind.
except (ImportError, ValueError, AttributeError):
    NATIVE = False
    scale_axes = scale_axes_slow
    gather_words = gather_words_slow
    scale_sound = scale_sound_slow
    cobs_encode = _cobs_encode
    cobs_decode = _cobs_decode


def scale_table(raw_lsb_per_g: float, range_g: int, axes) -> list:
    """The table of scale_axes for canonical samples: 32768 / range_g LSB per g, axes of the board's case.

    axes: for x, y, z of the case, which axis of the chip, counted from 1 and negative if it points the other
    way: (1, 2, 3) is the chip's own frame. Products stay small integers on 32-bit boards.
    """
    if sorted(abs(axis) for axis in axes) != [1, 2, 3]:
        raise ValueError("axes must be a permutation of 1, 2, 3 with signs, not {}".format(axes))
    ratio = 32768 / range_g / raw_lsb_per_g
    shift = 14
    while shift > 1 and ratio * (1 << shift) > 32767:
        shift -= 1
    mul = int(ratio * (1 << shift) + 0.5)
    if not 1 <= mul <= 32767:
        raise ValueError("a range of {} g can't be made of {} LSB/g".format(range_g, raw_lsb_per_g))
    table = [shift]
    for axis in axes:
        table += [abs(axis) - 1, mul if axis > 0 else -mul]
    return table
