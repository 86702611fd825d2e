"""The table of targets: codes, compatibility, and errors that say what to do."""

from __future__ import annotations

import pytest

from midge import targets
from midge.errors import CompileError, TargetMismatch


def test_rows_are_found_by_name_and_by_arch_code() -> None:
    for name, target in targets.TARGETS.items():
        assert targets.get(name) is target
        assert targets.by_arch(target.mpy_arch) is target


def test_arch_codes_are_those_of_micropython() -> None:
    codes = {name: target.mpy_arch for name, target in targets.TARGETS.items()}
    assert codes == {
        "x64": 2,
        "armv6m": 4,
        "armv7m": 5,
        "armv7emsp": 7,
        "armv7emdp": 8,
        "xtensawin": 10,
        "rv32imc": 11,
    }


def test_thumb_boards_without_fpu_say_armv7em() -> None:
    assert targets.by_arch(6) is targets.get("armv7m")


def test_unknown_name_lists_all() -> None:
    with pytest.raises(CompileError, match=r"'z80'.*x64, armv6m.*xtensawin"):
        targets.get("z80")


@pytest.mark.parametrize(("code", "said"), [(0, "no native code"), (3, "arch 3"), (99, "arch 99")])
def test_unknown_arch(code: int, said: str) -> None:
    with pytest.raises(TargetMismatch, match=said):
        targets.by_arch(code)


def test_thumb_firmware_takes_modules_of_lesser_cores_only() -> None:
    order = ["armv6m", "armv7m", "armv7emsp", "armv7emdp"]
    for i, board in enumerate(order):
        for j, module in enumerate(order):
            if j <= i:
                targets.check_accepts(targets.get(board), targets.get(module))
            else:
                with pytest.raises(TargetMismatch, match=f"--target {board}"):
                    targets.check_accepts(targets.get(board), targets.get(module))
    with pytest.raises(TargetMismatch):
        targets.check_accepts(targets.get("x64"), targets.get("armv6m"))


def test_only_rows_without_compiler_lack_its_flags() -> None:
    for target in targets.TARGETS.values():
        assert target.kernels_only != bool(target.zig_target and target.zig_cpu)
        assert target.elf_machine and not target.missing
