"""Board primitives against oracles in Python: at the extremes, on random data, on every target."""

from __future__ import annotations

import ctypes
import subprocess
from array import array
from collections.abc import Callable
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from midge import targets
from midge.compile import link_kernels, toolchain
from midge.compile.emulate import Emulator
from midge.virtual import interpreter

_INT16 = st.integers(-32768, 32767)
_AXIS = st.tuples(
    st.integers(0, 2), st.one_of(st.integers(-65535, 65535), st.sampled_from([-65535, 65535, 0, 1, -1]))
)


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return ctypes.CDLL(str(toolchain.host_library({"all.c": '#include "primitives.h"\n'})))


@pytest.fixture(params=targets.TARGETS)
def target_name(request: pytest.FixtureRequest) -> str:
    """Every target: the primitives are linked from kernels where there is no compiler."""
    return str(request.param)


@pytest.fixture(scope="module")
def boards() -> Callable[[str], Emulator]:
    made: dict[str, Emulator] = {}

    def board(name: str) -> Emulator:
        if name not in made:
            made[name] = Emulator(link_kernels.build_native(targets.get(name)).mpy, targets.get(name))
        return made[name]

    return board


def scaled(samples: list[list[int]], table: list[int]) -> list[int]:
    """Exact: round half up of sample · multiplier / 2^shift, saturated."""
    found = []
    for sample in samples:
        for source, multiplier in zip(table[1::2], table[2::2], strict=True):
            exact = floor(Fraction(sample[source] * multiplier, 1 << table[0]) + Fraction(1, 2))
            found.append(max(-32768, min(32767, exact)))
    return found


def encoded(data: bytes) -> bytes:
    """COBS, by the definition: runs of up to 254 bytes other than 0, each behind its length + 1."""
    out = b""
    runs = data.split(b"\0")
    for number, run in enumerate(runs, 1):
        # A full run implies no zero: if one follows, it takes an empty run; at the end nothing.
        at = 0
        while len(run) - at > 254 or (len(run) - at == 254 and number < len(runs)):
            out += b"\xff" + run[at : at + 254]
            at += 254
        out += bytes([len(run) - at + 1]) + run[at:]
    return out


def decoded(text: bytes) -> bytes | None:
    """Inverse of COBS; None for what is no COBS text."""
    out, at = b"", 0
    if not text:
        return None
    while at < len(text):
        code = text[at]
        run = text[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            return None
        at += code
        out += run + (b"\0" if code < 255 and at < len(text) else b"")
    return out


def _table(shift: int, axes: list[tuple[int, int]]) -> list[int]:
    return [shift, *(value for axis in axes for value in axis)]


@given(
    st.lists(st.tuples(_INT16, _INT16, _INT16), max_size=20),
    st.integers(1, 16),
    st.lists(_AXIS, min_size=3, max_size=3),
)
@example([(-32768, -32768, 32767)], 16, [(0, -65535), (0, 65535), (2, 65535)])
@example([(-32768, -32768, 32767)], 1, [(0, -65535), (0, 65535), (2, -65535)])
@example([(1, -1, 3)], 1, [(0, 1), (1, 1), (2, -1)])
def test_scale_is_exact(
    library: ctypes.CDLL, samples: list[tuple[int, int, int]], shift: int, axes: list[tuple[int, int]]
) -> None:
    table = _table(shift, axes)
    block = np.array(samples, np.int16).reshape(-1, 3)
    expected = scaled(block.tolist(), table)
    library.axes_scale(block.ctypes.data_as(ctypes.c_void_p), len(samples), 3, (ctypes.c_int32 * 7)(*table))
    assert block.ravel().tolist() == expected


def test_scale_at_the_extremes_on_every_target(boards: Callable[[str], Emulator], target_name: str) -> None:
    extremes = [-32768, -32767, -1, 0, 1, 32766, 32767]
    samples = [[a, b, a ^ -1] for a in extremes for b in extremes]
    for shift in (1, 2, 15, 16):
        for multiplier in (-65535, -32768, -1, 0, 1, 32767, 65535):
            table = _table(shift, [(2, multiplier), (0, -multiplier), (1, multiplier)])
            block = array("h", [value for sample in samples for value in sample])
            assert boards(target_name).call("scale_axes", block, len(samples), array("i", table)) is None
            assert block.tolist() == scaled(samples, table)


def test_scale_leaves_the_rest_of_the_block(boards: Callable[[str], Emulator]) -> None:
    block = array("h", range(9))
    boards("armv6m").call("scale_axes", block, 2, array("i", [1, 0, 4, 1, 4, 2, 4]))
    assert block.tolist() == [0, 2, 4, 6, 8, 10, 6, 7, 8]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([0, 0, 1, 1, 1, 2, 1], "shift"),
        ([17, 0, 1, 1, 1, 2, 1], "shift"),
        ([1, -1, 1, 1, 1, 2, 1], "source"),
        ([1, 0, 1, 3, 1, 2, 1], "source"),
        ([1, 0, 65536, 1, 1, 2, 1], "multiplier"),
        ([1, 0, 1, 1, 1, 2, -65536], "multiplier"),
        ([1, 0, 1, 1, 1, 2], "3 channels"),
        ([1, 0, 1, 1, 1, 2, 1, 0], "3 channels"),
    ],
)
def test_scale_refuses_wrong_tables(boards: Callable[[str], Emulator], table: list[int], said: str) -> None:
    block = array("h", [5, 6, 7])
    with pytest.raises(ValueError, match=said):
        boards("armv6m").call("scale_axes", block, 1, array("i", table))
    assert block.tolist() == [5, 6, 7]


def test_arguments_of_wrong_kind_or_size(boards: Callable[[str], Emulator], target_name: str) -> None:
    board = boards(target_name)
    table, block = array("i", [1, 0, 1, 1, 1, 2, 1]), array("h", [0] * 7)
    for arguments in (
        (bytearray(6), 1, table),
        (block, 1, block),
        (bytes(6), 1, table),
        (block, "1", table),
        (block, 1),
    ):
        with pytest.raises(TypeError):
            board.call("scale_axes", *arguments)
    for count in (-1, 3):
        with pytest.raises(ValueError, match="n_samples"):
            board.call("scale_axes", block, count, table)
    for name in ("cobs_encode", "cobs_decode"):
        for arguments in ((5, 1, bytearray(9)), (b"abc", 3, b"abcdefgh"), (b"abc", None, bytearray(9))):
            with pytest.raises(TypeError):
                board.call(name, *arguments)
        for count in (-1, 4):
            with pytest.raises(ValueError, match="n must be"):
                board.call(name, b"abc", count, bytearray(9))
    for room in range(4):
        with pytest.raises(ValueError, match="too short"):
            board.call("cobs_encode", b"a\0c", 3, bytearray(room))
    for room in range(3):
        with pytest.raises(ValueError, match="too short"):
            board.call("cobs_decode", b"\x02a\x02c", 4, bytearray(room))


def _encode(library: ctypes.CDLL, data: bytes, room: int) -> bytes | int:
    out = ctypes.create_string_buffer(b"\xee" * (room + 1), room + 1)
    written = library.cobs_encode(data, len(data), out, room)
    assert out.raw[room] == 0xEE
    return out.raw[:written] if written >= 0 else written


def _decode(library: ctypes.CDLL, text: bytes, room: int) -> bytes | int:
    out = ctypes.create_string_buffer(b"\xee" * (room + 1), room + 1)
    written = library.cobs_decode(text, len(text), out, room)
    assert out.raw[room] == 0xEE
    return out.raw[:written] if written >= 0 else written


# Bytes in which zeros are neither rare nor everywhere, and runs around the limit of 254.
_DATA = st.one_of(
    st.binary(max_size=600),
    st.lists(st.sampled_from([b"\0", b"\1", b"\xff" * 253, b"x" * 254, b"y" * 255, b"\0\0"]), max_size=6).map(
        b"".join
    ),
)


@given(_DATA)
@example(b"")
@example(b"\0")
@example(b"x" * 254)
@example(b"x" * 254 + b"\0")
@example(b"x" * 255)
@example(b"\0" + b"x" * 254)
def test_cobs_is_as_defined(library: ctypes.CDLL, data: bytes) -> None:
    text = encoded(data)
    assert 0 not in text
    assert _encode(library, data, len(text)) == text
    assert _encode(library, data, len(text) - 1) == -2
    assert _decode(library, text, len(data)) == data == decoded(text)
    if data:
        assert _decode(library, text, len(data) - 1) == -2


@given(st.one_of(st.binary(max_size=40), st.lists(st.integers(0, 4), max_size=20).map(bytes)))
@example(b"")
@example(b"\xff" + b"x" * 254)
@example(b"\xff" + b"x" * 254 + b"\x01")
def test_cobs_decode_of_anything(library: ctypes.CDLL, text: bytes) -> None:
    expected = decoded(text)
    assert _decode(library, text, max(len(text), 1)) == (-1 if expected is None else expected)


@given(_DATA)
def test_cobs_decodes_in_place(library: ctypes.CDLL, data: bytes) -> None:
    text = encoded(data)
    out = ctypes.create_string_buffer(text, len(text))
    length = library.cobs_decode(out, len(text), out, len(text))
    assert out.raw[:length] == data


_ON_MICROPYTHON = """
import sys
sys.path.insert(0, {folder!r})
from array import array
import micropython, midge_native as native
block, table = array('h', {samples!r}), array('i', {table!r})
data, text, back = {data!r}, bytearray(40), bytearray(40)
def locked(n):
    micropython.heap_lock()
    native.scale_axes(block, 2, table)
    length = native.cobs_encode(data, n, text)
    again = native.cobs_decode(text, length, back)
    wrong = native.cobs_decode(data, n, back)
    micropython.heap_unlock()
    print(list(block), bytes(text[:length]), again == n, wrong)
locked(len(data))
"""


def test_micropython_runs_them_without_allocating(tmp_path: Path) -> None:
    found = interpreter.find()
    if found is None:
        pytest.skip("no MicroPython here: python -m midge.virtual.interpreter fetches one")
    (tmp_path / "midge_native.mpy").write_bytes(link_kernels.build_native(targets.get("x64")).mpy)
    samples, table, data = [1, -2, 32767, -32768, 5, 6], [2, 2, 65535, 0, -3, 1, 1], b"ab\0\0c"
    program = _ON_MICROPYTHON.format(folder=str(tmp_path), samples=samples, table=table, data=data)
    done = subprocess.run(
        [*found.command, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    expected = scaled([samples[:3], samples[3:]], table)
    assert done.stdout == f"{expected} {encoded(data)!r} True -1\n", done.stderr


def test_cobs_on_every_target(boards: Callable[[str], Emulator], target_name: str) -> None:
    board = boards(target_name)
    for data in (b"", b"\0", b"ab\0\0c", bytes(range(256)) * 2, b"x" * 254, b"x" * 508 + b"\0"):
        text = bytearray(len(data) + len(data) // 254 + 1)
        length = board.call("cobs_encode", data, len(data), text)
        assert bytes(text[:length]) == encoded(data)
        back = bytearray(len(text))
        assert board.call("cobs_decode", text, length, back) == len(data)
        assert bytes(back[: len(data)]) == data
        assert board.call("cobs_decode", text, length, text) == len(data)
        assert bytes(text[: len(data)]) == data
    assert board.call("cobs_decode", b"\x05ab", 3, bytearray(9)) == -1
    assert board.call("cobs_decode", b"\x03a\0", 3, bytearray(9)) == -1


def test_words_are_gathered_on_every_target(boards: Callable[[str], Emulator], target_name: str) -> None:
    from midge_device.primitives import gather_words_slow

    source = bytes(range(120, 120 + 64)) + bytes(range(0, 250, 2))
    packets = ((7, 1, 3, 0), (8, 0, 3, 1), (14, 8, 3, 1), (2, 0, 1, 0), (12, 0, 6, 1))
    for stride, offset, words, big in packets:
        table, expected = array("i", [stride, offset, words, big]), array("h", [9] * (6 * words))
        gather_words_slow(source, table, expected, 1, 4)
        block = array("h", [9] * (6 * words))
        assert boards(target_name).call("gather_words", source, table, block, 1, 4) is None
        assert block == expected
        first = int.from_bytes(source[offset : offset + 2], "big" if big else "little", signed=True)
        assert (expected[0], expected[words], expected[-1]) == (9, first, 9)


@pytest.mark.parametrize(
    ("table", "start", "n", "said"),
    [
        ([7, 2, 3, 0], 0, 1, "within the stride"),
        ([7, -1, 3, 0], 0, 1, "within the stride"),
        ([7, 1, 0, 0], 0, 1, "within the stride"),
        ([7, 1, 3], 0, 1, "byte order"),
        ([7, 1, 3, 0], 0, 3, "n must be"),
        ([7, 1, 3, 0], 3, 0, "start must be"),
        ([7, 1, 3, 0], 0, 2, "too short"),
    ],
)
def test_gathering_stays_within_its_buffers(
    boards: Callable[[str], Emulator], table: list[int], start: int, n: int, said: str
) -> None:
    block = array("h", [5] * 6)
    with pytest.raises(ValueError, match=said):
        boards("armv6m").call("gather_words", bytes(13), array("i", table), block, start, n)
    assert block.tolist() == [5] * 6


SOUND_TARGETS = ("armv6m", "armv7emsp", "rv32imc", "xtensawin")


@pytest.mark.parametrize("target_name", SOUND_TARGETS)
def test_sound_off_the_bus_is_the_twins_and_has_no_offset(
    boards: Callable[[str], Emulator], target_name: str
) -> None:
    from midge_device.primitives import scale_sound_slow

    rng = np.random.default_rng(3)
    t = np.arange(4000)
    tone = np.rint(9000 * np.sin(t / 7) + 2000).astype(np.int64) << 13
    wild = rng.integers(-(1 << 31), 1 << 31, 4000)
    for words in (tone, wild):
        ours, twins = array("i", [13, 0, 0]), array("i", [13, 0, 0])
        found = np.zeros(4000, np.int16)
        expected = array("h", bytes(8000))
        block = words.astype(np.int32)
        for start in range(0, 4000, 1000):
            part = array("h", bytes(2000))
            scale_sound_slow(array("i", block[start : start + 1000].tolist()), 1000, part, twins)
            expected[start : start + 1000] = part
            mine = array("h", bytes(2000))
            boards(target_name).call("scale_sound", block[start : start + 1000].tobytes(), 1000, mine, ours)
            found[start : start + 1000] = mine
        assert found.tolist() == expected.tolist()
        assert ours == twins
    level = array("i", [13, 0, 0])
    steady = array("h", bytes(8000))
    scale_sound_slow(array("i", tone.tolist()), 4000, steady, level)
    assert abs(np.mean(steady[3000:])) < 100
    assert abs(np.std(steady[3000:]) / (9000 / np.sqrt(2)) - 1) < 0.02


def test_bad_words_of_sound_are_refused(boards: Callable[[str], Emulator]) -> None:
    board, block = boards("armv6m"), array("h", bytes(20))
    with pytest.raises(ValueError, match="shift"):
        board.call("scale_sound", bytes(40), 10, block, array("i", [3, 0, 0]))
    with pytest.raises(ValueError, match="n must be"):
        board.call("scale_sound", bytes(36), 10, block, array("i", [13, 0, 0]))
    with pytest.raises(TypeError, match="table"):
        board.call("scale_sound", bytes(40), 10, block, array("i", [13, 0]))
