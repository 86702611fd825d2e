"""The shipped kernels: of these sources, the same bytes again, integers only; nothing damaged or stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from midge import assets, targets
from midge.compile import kernels, kernels_build, native_sources
from midge.compile.kernels import Kernels
from midge.compile.opcodes import check_bytes
from midge.errors import LinkError, ToolchainMissing

LINKED = [name for name, target in targets.TARGETS.items() if target.kernels_only]
needs_compiler = pytest.mark.skipif(
    shutil.which(kernels_build.COMPILER) is None, reason=f"{kernels_build.COMPILER} not installed"
)


def _shipped(name: str) -> Kernels:
    return kernels.read((assets.kernels_folder() / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LINKED)
def test_shipped_kernels_are_of_these_sources(name: str) -> None:
    assert _shipped(name).sources == kernels_build.sources_digest(), "run: make kernels"


@needs_compiler
@pytest.mark.parametrize("name", LINKED)
def test_shipped_kernels_come_out_the_same_byte_for_byte(name: str) -> None:
    again = kernels_build.compile_all(targets.get(name))
    shipped = _shipped(name)
    if again.compiler != shipped.compiler:
        pytest.skip(f"shipped kernels are by {shipped.compiler}, here is {again.compiler}")
    path = assets.kernels_folder() / f"{name}.json"
    assert again.to_text() == path.read_text(encoding="utf-8"), "run: make kernels"


@pytest.mark.parametrize("name", LINKED)
def test_kernels_are_integers_only(name: str) -> None:
    # ESP32-S2 has no FPU, and the same .mpy arch as the others.
    target = targets.get(name)
    code = [section for section in _shipped(name).sections.values() if section.is_code]
    assert len(code) > 100
    for section in code:
        assert check_bytes(section.data, target) > 0


@pytest.mark.parametrize("name", LINKED)
def test_kernels_hold_everything_of_firmware_native(name: str) -> None:
    shipped = _shipped(name)
    defined = set(shipped.places)
    open_names = {found.symbol for section in shipped.sections.values() for found in section.relocations}
    missing = {
        name for name in open_names - defined - {""} if not name.startswith(("midge_", "mp_", "model_"))
    }
    # Doubles are for models that need a compiler.
    assert {name for name in missing if not name.startswith("__") or "df" not in name} == set()
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


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1, "target": "x", "sections": {"a": {}}}'])
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(LinkError, match="install midge again"):
        kernels.read(text)


def test_another_format_is_refused_with_both_numbers() -> None:
    text = json.dumps({"format": 99, "target": "x", "compiler": "", "sources": "", "sections": {}})
    with pytest.raises(LinkError, match=rf"99.*{kernels.FORMAT}"):
        kernels.read(text)


def test_kernels_of_other_sources_are_refused_without_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDGE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(kernels_build, "sources_digest", lambda: "other")
    with pytest.raises(ToolchainMissing, match="make kernels"):
        kernels.load(targets.get("xtensawin"))


@needs_compiler
def test_changed_sources_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDGE_CACHE", str(tmp_path))
    calls = []
    compiled = Kernels("xtensawin", "clang", "changed", {})
    monkeypatch.setattr(kernels_build, "sources_digest", lambda: "changed")
    monkeypatch.setattr(kernels_build, "compile_all", lambda target: calls.append(target) or compiled)
    for _ in range(2):
        kernels._load.cache_clear()
        assert kernels.load(targets.get("xtensawin")) == compiled
    assert len(calls) == 1
    kernels._load.cache_clear()
