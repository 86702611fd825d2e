"""Constants apart from the code, as Xtensa modules have them, in MicroPython's own loader (on x64)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from midge import targets
from midge.compile import mpy
from midge.compile.mpy import FUN_TABLE, RODATA, TEXT, MpyFile, Relocation
from midge.virtual import interpreter

# init: global named by qstr 1 = word 1 of the constants, through mp_fun_table, whose address is word 0.
_CODE = bytes.fromhex(
    "53 488b4708 488b4010 0fb77802"  # push rbx; edi = self->context->qstrs[1]
    "488b0d1c000000 488b7108 488b01 ff5068"  # rcx = constants; rsi = word 1; call [word 0] entry 13
    "488b0d0b000000 488b01 488b00 5b c3"  # return table[0]
).ljust(48, b"\x90")


def test_constants_are_relocated_by_the_firmware(tmp_path: Path) -> None:
    found = interpreter.find()
    if found is None:
        pytest.skip("no MicroPython here: python -m midge.virtual.interpreter fetches one")
    number = 12345
    constants = (
        (0).to_bytes(8, "little") + (number << 1 | 1).to_bytes(8, "little") + (16).to_bytes(8, "little")
    )
    relocations = (
        Relocation(6, RODATA),
        Relocation(0, FUN_TABLE, in_rodata=True),
        Relocation(2, TEXT, in_rodata=True),
    )
    file = MpyFile(targets.get("x64"), ("probe.mpy", "answer"), _CODE + bytes(8), relocations, constants)
    (tmp_path / "probe.mpy").write_bytes(mpy.write(file))
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import probe; print(probe.answer)"
    done = subprocess.run(
        [*found.command, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == str(number), done.stderr
