"""The .mpy writer and reader: exact bytes, round trips, and damaged files."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midge import targets
from midge.compile import mpy
from midge.errors import LinkError, TargetMismatch

ARM = targets.get("armv6m")
X64 = targets.get("x64")


def test_exact_bytes_of_a_small_file() -> None:
    text = bytes(range(24))
    relocations = (
        mpy.Relocation(1, mpy.TEXT),
        mpy.Relocation(2, mpy.TEXT, 3),
        mpy.Relocation(5, mpy.FUN_TABLE),
    )
    data = mpy.write(mpy.MpyFile(ARM, ("a.mpy", "f"), text, relocations))
    assert (
        data
        == (
            b"M\x06\x13\x1f"  # arch 4, sub-version 3
            b"\x02\x00"  # two strings, no objects
            b"\x0aa.mpy\x00\x02f\x00"
            b"\x81\x42" + text + b"\x10"  # 24 << 3 | 2  # relocations, no rodata, no bss
            b"\x01\x02"  # word 1: text
            b"\x02\x03"  # the next three: text
            b"\x10"  # the next: the table's address
            b"\xff"
        )
    )


def test_rodata_and_bss_have_sizes_in_the_header() -> None:
    relocations = (mpy.Relocation(0, mpy.RODATA, in_rodata=True), mpy.Relocation(0, mpy.BSS))
    file = mpy.MpyFile(ARM, ("a.mpy",), bytes(8), relocations, rodata=bytes(4), bss_bytes=300)
    assert mpy.write(file).endswith(b"\x70\x04\x82\x2c" + bytes(4) + b"\x05\x01\x09\x00\xff")
    assert mpy.parse(mpy.write(file)) == file


def test_neighbouring_words_are_joined() -> None:
    assert mpy.runs([3, 4, 5, 9], mpy.TEXT) == [mpy.Relocation(3, mpy.TEXT, 3), mpy.Relocation(9, mpy.TEXT)]


@st.composite
def files(draw: st.DrawFn) -> mpy.MpyFile:
    target = draw(st.sampled_from([ARM, X64]))
    words = draw(st.integers(1, 400))
    relocations = []
    at = 0
    while at < words and draw(st.booleans()):
        at += draw(st.integers(0, words - at - 1))
        kind = draw(st.sampled_from([mpy.TEXT, mpy.RODATA, mpy.BSS, 6, 7, 8, 9, 60]))
        count = draw(st.integers(1, words - at)) if kind <= mpy.BSS else 1
        relocations.append(mpy.Relocation(at, kind, count))
        at += count
    strings = draw(st.lists(st.text(max_size=200), min_size=1, max_size=20))
    text = draw(st.binary(min_size=1, max_size=1)) * (words * target.word_bytes)
    return mpy.MpyFile(target, tuple(strings), text, tuple(relocations))


@given(files())
def test_reading_gives_back_what_was_written(file: mpy.MpyFile) -> None:
    assert mpy.parse(mpy.write(file)) == file


def _small() -> bytes:
    relocations = (mpy.Relocation(1, mpy.TEXT, 2), mpy.Relocation(7, mpy.FUN_TABLE))
    return mpy.write(mpy.MpyFile(ARM, ("a.mpy", "ValueError"), bytes(range(32)), relocations))


@given(st.integers(0, len(_small()) - 1))
def test_every_truncation_is_refused(length: int) -> None:
    with pytest.raises(LinkError):
        mpy.parse(_small()[:length])


@settings(max_examples=300)
@given(st.integers(0, len(_small()) - 1), st.integers(0, 255))
def test_damage_raises_nothing_else(position: int, value: int) -> None:
    data = bytearray(_small())
    data[position] = value
    with contextlib.suppress(LinkError, TargetMismatch):
        mpy.parse(bytes(data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"import x\n", "not a .mpy"),
        (b"", "not a .mpy"),
        (b"M\x05\x13\x1f", "version 5.3"),
        (b"M\x06\x12\x1f", "version 6.2"),
        (_small() + b"\0", "after the end"),
    ],
)
def test_other_files_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(LinkError, match=said):
        mpy.parse(data)


def test_unknown_arch_is_a_target_mismatch() -> None:
    for arch in (1, 6):
        with pytest.raises(TargetMismatch, match=f"arch {arch}"):
            mpy.parse(bytes((0x4D, 6, arch << 2 | 3, 0x1F)))


def test_relocation_outside_the_text_is_refused() -> None:
    file = mpy.MpyFile(ARM, ("a.mpy",), bytes(8), (mpy.Relocation(1, mpy.TEXT, 2),))
    with pytest.raises(LinkError, match="outside"):
        mpy.parse(mpy.write(file))


def test_text_of_half_words_is_refused() -> None:
    with pytest.raises(LinkError, match="whole words"):
        mpy.write(mpy.MpyFile(X64, ("a.mpy",), bytes(12), ()))
    with pytest.raises(LinkError, match="whole words"):
        mpy.write(dataclasses.replace(mpy.MpyFile(X64, ("a.mpy",), bytes(16), ()), rodata=bytes(3)))
