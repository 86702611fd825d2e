"""Writes and reads `.mpy` files that hold one native module (version 6.3: MicroPython 1.23 and later).

Format: MicroPython, `py/persistentcode.c`. A vuint is big-endian base 128, the top bit set on all bytes
but the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import LinkError, TargetMismatch
from ..targets import Target, by_arch
from .link_image import Image

VERSION = 6
SUB_VERSION = 3
# Destinations of a relocated word: its loader adds the address of one of these.
TEXT, RODATA, BSS, QSTR_TABLE, OBJECT_TABLE, FUN_TABLE, FUN_TABLE_ENTRY = 0, 1, 2, 6, 7, 8, 9

_MAGIC = 0x4D
_SMALL_INT_BITS = 0x1F
_KIND_NATIVE_VIPER = 2
_HAS_RELOCATIONS, _HAS_RODATA, _HAS_BSS = 0x10, 0x20, 0x40
_END_OF_RELOCATIONS = 0xFF
_COUNTED = 6  # below it, kinds come as 2 * destination, + 1 if a count follows


@dataclass(frozen=True)
class Relocation:
    """`count` words of the text (or rodata), from word `index` on, to which `destination` is added.

    `destination` is one of the constants above; FUN_TABLE_ENTRY + i stands for the value of table entry i.
    """

    index: int
    destination: int
    count: int = 1
    in_rodata: bool = False


@dataclass(frozen=True)
class MpyFile:
    """What is in a `.mpy` with one native module. `qstrs[0]` is its file name."""

    target: Target
    qstrs: tuple[str, ...]
    text: bytes
    relocations: tuple[Relocation, ...]
    rodata: bytes = b""
    bss_bytes: int = 0


class _Writer:
    def __init__(self) -> None:
        self.data = bytearray()
        self.next_word: tuple[bool, int] | None = None

    def write_vuint(self, value: int) -> None:
        digits = [value & 0x7F]
        while value := value >> 7:
            digits.append(value & 0x7F | 0x80)
        self.data += bytes(reversed(digits))

    def write_qstr(self, text: str) -> None:
        encoded = text.encode()
        self.write_vuint(len(encoded) << 1)
        self.data += encoded + b"\0"

    def write_reloc(self, relocation: Relocation) -> None:
        kind = relocation.destination
        if kind <= BSS:
            kind = kind << 1 | (relocation.count > 1)
        here = (relocation.in_rodata, relocation.index)
        is_next = here == self.next_word
        self.data.append(kind << 1 | (not is_next))
        if not is_next:
            self.write_vuint(relocation.index << 1 | relocation.in_rodata)
        if kind < _COUNTED and kind & 1:
            self.write_vuint(relocation.count)
        self.next_word = (relocation.in_rodata, relocation.index + relocation.count)


def runs(indices: Iterable[int], destination: int) -> list[Relocation]:
    """Relocations for ascending word indices of the text, neighbours joined."""
    found: list[Relocation] = []
    for index in indices:
        if found and index == found[-1].index + found[-1].count:
            found[-1] = Relocation(found[-1].index, destination, found[-1].count + 1)
        else:
            found.append(Relocation(index, destination))
    return found


def pack(image: Image, target: Target, qstrs: Sequence[str]) -> bytes:
    """The `.mpy` of one linked image. `qstrs[0]` is the module's file name, e.g. 'gesture.mpy'."""
    relocations = [*runs(image.relocated, TEXT), Relocation(image.slot, FUN_TABLE)]
    relocations.sort(key=lambda relocation: relocation.index)
    return write(MpyFile(target, tuple(qstrs), image.blob, tuple(relocations)))


def write(file: MpyFile) -> bytes:
    """The bytes of `file`; LinkError if a part is not a whole number of words."""
    word_bytes = file.target.word_bytes
    if not file.text or len(file.text) % word_bytes or len(file.rodata) % word_bytes:
        raise LinkError("text and rodata must be whole words: pad the image")
    out = _Writer()
    out.data += bytes((_MAGIC, VERSION, file.target.mpy_arch << 2 | SUB_VERSION, _SMALL_INT_BITS))
    out.write_vuint(len(file.qstrs))
    out.write_vuint(0)  # no constant objects
    for text in file.qstrs:
        out.write_qstr(text)
    out.write_vuint(len(file.text) << 3 | _KIND_NATIVE_VIPER)
    out.data += file.text
    flags = _HAS_RELOCATIONS | (_HAS_RODATA if file.rodata else 0) | (_HAS_BSS if file.bss_bytes else 0)
    out.write_vuint(flags)
    if file.rodata:
        out.write_vuint(len(file.rodata))
    if file.bss_bytes:
        out.write_vuint(file.bss_bytes)
    out.data += file.rodata
    for relocation in file.relocations:
        out.write_reloc(relocation)
    out.data.append(_END_OF_RELOCATIONS)
    return bytes(out.data)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def read_bytes(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            raise LinkError(
                f"the .mpy ends at byte {len(self.data)}, in the middle of something: get it again"
            )
        self.at += length
        return self.data[self.at - length : self.at]

    def read_byte(self) -> int:
        return self.read_bytes(1)[0]

    def read_vuint(self) -> int:
        value = 0
        while (digit := self.read_byte()) & 0x80:
            value = (value | digit & 0x7F) << 7
        return value | digit

    def read_qstr(self) -> str:
        length = self.read_vuint()
        if length & 1:
            raise LinkError(
                "the .mpy uses the firmware's own string numbers: it is no module that midge has built"
            )
        text = self.read_bytes(length >> 1)
        if self.read_byte() != 0:
            raise LinkError("a string in the .mpy is not terminated: the file is damaged")
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise LinkError("a string in the .mpy is not UTF-8: the file is damaged") from error

    def read_relocations(self) -> list[Relocation]:
        found: list[Relocation] = []
        in_rodata, index = False, 0
        while (operation := self.read_byte()) != _END_OF_RELOCATIONS:
            if operation & 1:
                place = self.read_vuint()
                in_rodata, index = bool(place & 1), place >> 1
            kind = operation >> 1
            count = self.read_vuint() if kind < _COUNTED and kind & 1 else 1
            destination = kind >> 1 if kind < _COUNTED else kind
            found.append(Relocation(index, destination, count, in_rodata))
            index += count
        return found


def check_header(data: bytes) -> Target:
    """The target of a `.mpy` by its first four bytes.

    Raises
    ------
    LinkError
        if it is no `.mpy`, or of a version that is not the one midge knows
    TargetMismatch
        if its arch is none that midge builds for
    """
    if len(data) < 4 or data[0] != _MAGIC:
        raise LinkError("not a .mpy file: it must start with 'M'")
    if (data[1], data[2] & 3) != (VERSION, SUB_VERSION):
        raise LinkError(
            f".mpy version {data[1]}.{data[2] & 3}, midge knows {VERSION}.{SUB_VERSION}: build it again"
        )
    arch = data[2] >> 2 & 0xF
    target = by_arch(arch)
    if target.mpy_arch != arch:
        raise TargetMismatch(f"no target for .mpy arch {arch}: build the module for {target.name}")
    return target


def parse(data: bytes) -> MpyFile:
    """The parts of a `.mpy` with one native module.

    Raises
    ------
    LinkError
        if the file is damaged, or not of the kind that `write` writes
    TargetMismatch
        if its arch is none that midge builds for
    """
    target = check_header(data)
    source = _Reader(data)
    source.at = 4
    n_qstrs, n_objects = source.read_vuint(), source.read_vuint()
    if n_objects:
        raise LinkError("the .mpy holds constant objects: it is no module that midge has built")
    qstrs = tuple(source.read_qstr() for _ in range(n_qstrs))
    kind_and_length = source.read_vuint()
    if kind_and_length & 7 != _KIND_NATIVE_VIPER:
        raise LinkError("the .mpy holds no native code: it is no module that midge has built")
    text = source.read_bytes(kind_and_length >> 3)
    flags = source.read_vuint()
    rodata_bytes = source.read_vuint() if flags & _HAS_RODATA else 0
    bss_bytes = source.read_vuint() if flags & _HAS_BSS else 0
    rodata = source.read_bytes(rodata_bytes)
    relocations = source.read_relocations() if flags & _HAS_RELOCATIONS else []
    if source.at != len(data):
        raise LinkError(f"{len(data) - source.at} bytes after the end of the .mpy: the file is damaged")
    for relocation in relocations:
        size = len(rodata) if relocation.in_rodata else len(text)
        if (relocation.index + relocation.count) * target.word_bytes > size:
            raise LinkError("a relocation in the .mpy lies outside the module: the file is damaged")
    return MpyFile(target, qstrs, text, tuple(relocations), rodata, bss_bytes)
