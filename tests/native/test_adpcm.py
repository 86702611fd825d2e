"""IMA ADPCM: the C, its twin, the host's decoder and the standard library's codec give the same bits."""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from midge import adpcm, targets
from midge.compile import link_kernels
from midge.compile.emulate import Emulator
from midge_device.adpcm import MOST_INDEX, block_bytes, encode_slow

VECTORS = json.loads((Path(__file__).parents[1] / "wire" / "vectors.json").read_text())["adpcm"]
_INT16 = st.integers(-32768, 32767)


def encoded(samples: list[int], index: int) -> tuple[bytes, int]:
    block = bytearray(block_bytes(len(samples)))
    following = encode_slow(array("h", samples), len(samples), index, block)
    return bytes(block), following


def swapped(nibbles: bytes) -> bytes:
    """`audioop` has the high nibble first."""
    return bytes((pair & 15) << 4 | pair >> 4 for pair in nibbles)


@given(st.lists(_INT16, min_size=1, max_size=255), st.integers(0, MOST_INDEX))
@example([32767, -32768] * 40, 0)
@example([0, 0, 32767, 32767, 32767, -32768, -32768], 88)
def test_blocks_are_those_of_the_standard_library(samples: list[int], index: int) -> None:
    audioop = pytest.importorskip("audioop", reason="Python 3.13 has no audioop any more")
    block, following = encoded(samples, index)
    tail = np.array(samples[1:], "<i2").tobytes()
    nibbles, (_, after) = audioop.lin2adpcm(tail, 2, (samples[0], index))
    if len(samples) % 2:  # it codes whole bytes only
        assert block == struct.pack("<hBB", samples[0], index, 0) + swapped(nibbles)
        assert following == after
    else:
        assert block[4:-1] == swapped(nibbles)[: len(samples) // 2 - 1]
    decoded, _ = audioop.adpcm2lin(swapped(block[4:]), 2, (samples[0], index))
    expected = [samples[0], *np.frombuffer(decoded, "<i2")[: len(samples) - 1].tolist()]
    assert adpcm.decode(block, len(samples)).tolist() == expected


def test_the_twin_and_the_decoder_give_the_vectors() -> None:
    for vector in VECTORS:
        block, following = encoded(vector["samples"], vector["index"])
        assert (block.hex(), following) == (vector["block"], vector["next"])
        assert adpcm.decode(block, len(vector["samples"])).tolist() == vector["decoded"]


@pytest.fixture(scope="module")
def boards() -> Callable[[str], Emulator]:
    made: dict[str, Emulator] = {}

    def board(name: str) -> Emulator:
        if name not in made:
            made[name] = Emulator(link_kernels.build_native(targets.get(name)).mpy, targets.get(name))
        return made[name]

    return board


@pytest.mark.parametrize("target_name", targets.TARGETS)
def test_every_target_gives_the_vectors(boards: Callable[[str], Emulator], target_name: str) -> None:
    for vector in VECTORS:
        samples, block = array("h", vector["samples"]), bytearray(len(vector["block"]) // 2)
        following = boards(target_name).call("encode_adpcm", samples, len(samples), vector["index"], block)
        assert (block.hex(), following) == (vector["block"], vector["next"])


@pytest.mark.parametrize(
    ("n", "index", "room", "said"),
    [(0, 0, 8, "n must"), (9, 0, 8, "n must"), (8, -1, 8, "index"), (8, 89, 8, "index"), (8, 0, 7, "short")],
)
def test_bad_arguments_are_refused(
    boards: Callable[[str], Emulator], n: int, index: int, room: int, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        boards("armv6m").call("encode_adpcm", array("h", bytes(16)), n, index, bytearray(room))


NO_BLOCKS = [(b"", 0), (b"", 1), (bytes(4), 2), (b"\0\0\x59\0\0", 2), (bytes(6), 2)]


@pytest.mark.parametrize(("block", "n"), NO_BLOCKS)
def test_what_is_no_block_is_refused(block: bytes, n: int) -> None:
    with pytest.raises(ValueError, match="ADPCM"):
        adpcm.decode(block, n)


def test_a_block_needs_no_other() -> None:
    """What follows a lost block is as if nothing had been lost."""
    t = np.arange(2240)
    sound = np.rint(9000 * np.sin(t / 9) * np.sin(t / 400)).astype(np.int16)
    index, blocks = 0, []
    for at in range(0, len(sound), 224):
        block, index = encoded(sound[at : at + 224].tolist(), index)
        blocks.append(adpcm.decode(block, 224))
    alone = [adpcm.decode(encoded(sound[at : at + 224].tolist(), 40)[0], 224) for at in range(0, 2240, 224)]
    for number, block in enumerate(blocks):
        assert block[0] == alone[number][0] == sound[224 * number]


def test_noise_lies_far_below_a_voice() -> None:
    """A vowel's harmonics falling by 12 dB an octave, rising and falling over a second."""
    t = np.arange(16000) / 16000
    voice = sum(np.sin(2 * np.pi * 120 * k * t + k * k) / k**2 for k in range(1, 30))
    sound = np.rint(12000 * voice / np.abs(voice).max() * np.sin(np.pi * t)).astype(np.int16)
    index, found = 0, []
    for at in range(0, 15904, 224):
        block, index = encoded(sound[at : at + 224].tolist(), index)
        found.append(adpcm.decode(block, 224))
    heard = np.concatenate(found).astype(float)
    noise = heard - sound[: len(heard)]
    snr_db = 10 * np.log10(np.square(sound[: len(heard)].astype(float)).sum() / np.square(noise).sum())
    print(f"SNR {snr_db:.1f} dB")
    assert snr_db > 40
