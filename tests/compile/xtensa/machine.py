"""Runs a packaged `.mpy` for Xtensa under qemu-xtensa: relocates it as MicroPython does, beside loader.c."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from midge.compile import kernel_objects_xtensa, kernels_build, link_place, mpy
from midge.compile.kernel_sections import WORD, Relocation, Section
from midge.compile.link_xtensa import MACHINE

QEMU = "qemu-xtensa"
# Has windowed registers, division and MIN/MAX as ESP32; lacks MULUH and MULSH, which loader.c adds.
CPU = "de233_fpu"
_BASE = 0x10000
_TABLE = {
    **{3: "table_from_object", 4: "table_to_object", 5: "table_swap_globals", 7: "table_load_global"},
    **{13: "table_store_global", 26: "table_make_function", 44: "table_check_arguments"},
    **{50: "table_set", 51: "table_move", 55: "table_raise", 57: "table_new_string", 65: "table_get_buffer"},
}
_TABLE_WORDS, _MACHINE_BYTES = 87, 0x42000
# .mpy: qstrs are the file name, two errors, the constants, then the functions.
_N_CONSTANTS = 4


def needed() -> pytest.MarkDecorator:
    """Skips a test where the emulator or the compiler of the loader is not there."""
    missing = [name for name in (QEMU, kernels_build.COMPILER) if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{' and '.join(missing)} not installed")


@dataclass(frozen=True)
class Answers:
    """What a module said.

    info : str
    winners, scores
        of the rows: (n_rows,), (n_rows, n_scores)
    features, window_winners, window_scores
        of the windows
    """

    info: str
    winners: np.ndarray
    scores: np.ndarray
    features: np.ndarray
    window_winners: np.ndarray
    window_scores: np.ndarray


@cache
def _loader() -> tuple[Section, ...]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "loader.c")
        source.write_text('#include "hidden.h"\n' + Path(__file__).with_name("loader.c").read_text())
        Path(folder, "hidden.h").write_text("")
        program = shutil.which(kernels_build.COMPILER)
        assert program is not None
        subprocess.run(
            [program, *kernels_build.XTENSA_FLAGS, "-c", "loader.c", "-o", "loader.o"], cwd=folder, check=True
        )
        return tuple(kernel_objects_xtensa.read(Path(folder, "loader.o").read_bytes(), "loader"))


def _relocated(
    text: bytes, rodata: bytes, relocations: tuple[mpy.Relocation, ...], bases: dict[int, int]
) -> list[bytearray]:
    """Text and rodata with addresses added as py/persistentcode.c does; `bases`: destination → address."""
    parts = [bytearray(text), bytearray(rodata)]
    for one in relocations:
        for index in range(one.index, one.index + one.count):
            part = parts[one.in_rodata]
            (word,) = struct.unpack_from("<I", part, 4 * index)
            struct.pack_into("<I", part, 4 * index, word + bases[one.destination] & 0xFFFFFFFF)
    return parts


def _program(module: bytes) -> bytes:
    """A static executable: loader, then module."""
    file = mpy.parse(module)
    state = bytes(_MACHINE_BYTES)
    table = [Relocation(4 * index, WORD, name, 0) for index, name in _TABLE.items()]
    machine = Section("machine", state, tuple(table), 8)
    sections = [*_loader(), machine]
    sections.sort(key=lambda section: section.name != "start")
    known = {section.name: section for section in sections}
    placed = link_place.place(sections, lambda name: (known[name], 0), MACHINE, 4)
    at = _BASE + len(placed.text)
    at += -at % 16
    bases = {mpy.TEXT: _BASE, mpy.RODATA: at}
    text, rodata = _relocated(placed.text, placed.rodata, placed.relocations, bases)
    (jump,) = (int.from_bytes(placed.text[:3], "little"),)
    entry = _BASE + 4 + (jump >> 6)
    where = _constants_of(sections)["machine"]
    module_at = at + len(rodata)
    module_at += -module_at % 16
    module_rodata_at = module_at + len(file.text)
    module_rodata_at += -module_rodata_at % 16
    own = {mpy.TEXT: module_at, mpy.RODATA: module_rodata_at, mpy.FUN_TABLE: at + where}
    module_text, module_rodata = _relocated(file.text, file.rodata, file.relocations, own)
    struct.pack_into("<I", rodata, where + 4 * _TABLE_WORDS, module_at)
    body = bytearray(text)
    for place, part in ((at, rodata), (module_at, module_text), (module_rodata_at, module_rodata)):
        body += bytes(place - _BASE - len(body)) + part
    ident = b"\x7fELF\1\1\1".ljust(16, b"\0")
    head = ident + struct.pack("<HHIIIIIHHHHHH", 2, 94, 1, entry, 52, 0, 0x300, 52, 32, 1, 40, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 0x1000, _BASE, _BASE, len(body), len(body), 7, 0x1000)
    return (head + segment).ljust(0x1000, b"\0") + bytes(body)


def _constants_of(sections: list[Section]) -> dict[str, int]:
    at, found = 0, {}
    for section in sorted(sections, key=lambda section: -section.align):
        if not section.is_code:
            at += -at % section.align
            found[section.name] = at
            at += len(section.data)
    return found


def run(
    module: bytes, state_bytes: int, n_scores: int, rows: np.ndarray, windows: np.ndarray | None = None
) -> Answers:
    """Imports a module; classifies rows (n_rows, n_features); predicts windows (n, length, channels)."""
    n_windows, length, channels = (0, 0, 0) if windows is None else windows.shape
    n_qstrs = len(mpy.parse(module).qstrs)
    head = (n_qstrs, 3 + _N_CONSTANTS, rows.shape[1], n_scores, state_bytes, len(rows))
    stdin = struct.pack("<9I", *head, n_windows, length, channels) + rows.astype("<i2").tobytes()
    if windows is not None:
        stdin += windows.astype("<i2").tobytes()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "module.elf")
        program.write_bytes(_program(module))
        program.chmod(0o700)
        done = subprocess.run(
            [QEMU, "-cpu", CPU, str(program)], input=stdin, capture_output=True, timeout=540, check=False
        )
    assert done.returncode == 0, (
        f"qemu-xtensa: exit {done.returncode}, {done.stderr.decode(errors='replace')}"
    )
    (n_text,) = struct.unpack_from("<I", done.stdout)
    text = done.stdout[4 : 4 + n_text].decode()
    answer = np.dtype([("winner", "<i4"), ("scores", "<i2", (n_scores,))])
    windowed = np.dtype([("features", "<i2", (rows.shape[1],)), *[(n, answer[n]) for n in answer.names]])
    end = 4 + n_text + len(rows) * answer.itemsize
    of_rows = np.frombuffer(done.stdout[4 + n_text : end], answer)
    of_windows = np.frombuffer(done.stdout[end:], windowed)
    assert len(of_windows) == n_windows
    return Answers(
        text,
        of_rows["winner"],
        of_rows["scores"],
        of_windows["features"],
        of_windows["winner"],
        of_windows["scores"],
    )
