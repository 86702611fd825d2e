"""The shipped kernels: of these sources, the same bytes again, integers only; nothing damaged or stale."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from midge import assets, targets
from midge.compile import kernels, kernels_build, link_kernels, native_sources, toolchain
from midge.compile.kernels import Kernels
from midge.compile.opcodes import check_bytes
from midge.errors import LinkError, ToolchainMissing

LINKED = list(targets.TARGETS)
# zig's version is locked, so that it makes the same bytes everywhere; clang's is not.
_IN_EVERY_RUN = ("armv6m",)


def _shipped(name: str) -> Kernels:
    return kernels.read((assets.kernels_folder() / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LINKED)
def test_shipped_kernels_are_of_these_sources(name: str) -> None:
    shipped = {unit: found.sources for unit, found in _shipped(name).units.items()}
    current = kernels_build.digests(targets.get(name))
    changed = sorted(unit for unit in {*shipped, *current} if shipped.get(unit) != current.get(unit))
    assert changed == [], "firmware/native was changed since: make kernels"


@pytest.mark.parametrize(
    "name",
    [name if name in _IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.check) for name in LINKED],
)
def test_shipped_kernels_come_out_the_same_byte_for_byte(name: str) -> None:
    if targets.get(name).kernels_only and shutil.which(kernels_build.COMPILER) is None:
        pytest.skip(f"{kernels_build.COMPILER} not installed")
    again = kernels_build.compile_all(targets.get(name))
    shipped = _shipped(name)
    if again.compiler != shipped.compiler:
        pytest.skip(f"shipped kernels are by {shipped.compiler}, here is {again.compiler}")
    path = assets.kernels_folder() / f"{name}.json"
    assert again.to_text() == path.read_text(encoding="utf-8"), "run: make kernels"


@pytest.mark.parametrize("name", [name for name in LINKED if targets.get(name).instruction_set])
def test_every_instruction_is_one_of_the_target(name: str) -> None:
    # On Xtensa that is integers only: ESP32-S2 has no FPU, and the same .mpy arch as the others.
    target = targets.get(name)
    code = [section for section in _shipped(name).sections.values() if section.is_code]
    assert len(code) > 100
    for section in code:
        checked = [check_bytes(section.data[start:end], target) for start, end in section.instructions()]
        assert sum(checked) > 0


@pytest.mark.parametrize("name", LINKED)
def test_kernels_hold_everything_of_firmware_native(name: str) -> None:
    shipped = _shipped(name)
    defined = set(shipped.places)
    open_names = {found.symbol for section in shipped.sections.values() for found in section.relocations}
    missing = {
        name for name in open_names - defined - {""} if not name.startswith(("midge_", "mp_", "model_"))
    }
    assert missing == set()
    for header in ("motion.h", "window.h"):
        for function in native_sources.read(header).split("int16_t motion_")[1:]:
            assert f"motion_{function.split('(')[0]}" in defined


@pytest.mark.parametrize("name", LINKED)
def test_no_function_is_variadic(name: str) -> None:
    # clang 22 miscompiles them for Xtensa, without a word.
    for file, text in kernels_build._files().items():
        if file.endswith((".c", ".h")) and not file.startswith("shims/"):
            assert ", ...)" not in text.replace("(index, ...)", ""), file


def test_the_file_reads_back(tmp_path: Path) -> None:
    for name in LINKED:
        text = (assets.kernels_folder() / f"{name}.json").read_text(encoding="utf-8")
        assert kernels.read(text).to_text() == text


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 2, "target": "x", "compiler": "", "units": {"a": {}}}']
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(LinkError, match="install midge again"):
        kernels.read(text)


def test_another_format_is_refused_with_both_numbers() -> None:
    text = json.dumps({"format": 99, "target": "x", "compiler": "", "units": {}})
    with pytest.raises(LinkError, match=rf"99.*{kernels.FORMAT}"):
        kernels.read(text)


def _changed(name: str, unit: str) -> Kernels:
    shipped = kernels.load(targets.get(name))
    other = dataclasses.replace(shipped.units[unit], sources="other")
    return dataclasses.replace(shipped, units={**shipped.units, unit: other})


@pytest.mark.parametrize("name", ["xtensawin", "armv6m"])
def test_kernels_of_other_sources_are_refused_without_a_compiler(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = _changed(name, "window")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(kernels, "_shipped", lambda target: changed)
    for cached in (kernels._load, kernels_build._clang, toolchain._zig):
        cached.cache_clear()
    with pytest.raises(ToolchainMissing, match=r"older than firmware/native \(window\): run make kernels"):
        kernels.load(targets.get(name))


def test_only_what_was_changed_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.get("armv6m")
    changed = _changed("armv6m", "window")
    before = kernels.load(target)
    monkeypatch.setattr(kernels, "_shipped", lambda target: changed)
    kernels._load.cache_clear()
    compiled: list[str] = []
    compile_units = kernels_build.compile_units
    monkeypatch.setattr(
        kernels_build, "compile_units", lambda *given: compiled.extend(given[1]) or compile_units(*given)
    )
    found = kernels.load(target)
    kernels._load.cache_clear()
    assert compiled == ["window"]
    assert found.sections == before.sections


def test_a_kernel_that_does_not_compile_breaks_only_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.get("armv6m")
    files = {**kernels_build._files(), "spectrum.c": "this is no C\n"}
    monkeypatch.setattr(kernels_build, "_files", lambda: files)
    assert link_kernels.build_native(target).mpy
    without = kernels.load(target)
    assert list(without.broken) == ["spectrum"]
    names = link_kernels._Names((), {}, without)
    with pytest.raises(LinkError, match="refused"):
        names.resolve("spectrum_of")
