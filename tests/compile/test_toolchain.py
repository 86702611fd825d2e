"""Compiling and linking: deterministic, cached, parallel-safe; errors carry the compiler's first line."""

from __future__ import annotations

import ctypes
import dataclasses
import multiprocessing
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from midge import targets
from midge.compile import link_image, module_glue, mpy, native_sources, toolchain
from midge.compile.cache import cache_folder, digest
from midge.errors import CompileError, LinkError, ToolchainMissing
from midge.targets import Target

_STRICT = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes")


def _build(sources: dict[str, str], target: Target) -> toolchain.Module:
    return toolchain.build_module(sources, target, name="toy", exports=module_glue.MODEL)


def test_module_holds_the_exports_in_order(
    toy_module: Callable[..., toolchain.Module], target_name: str
) -> None:
    module = toy_module(target_name)
    file = mpy.parse(module.mpy)
    assert file.target.name == target_name
    names = "ABI STATE_BYTES N_FEATURES N_SCORES init push ready features classify predict info"
    assert " ".join(file.qstrs) == f"toy.mpy ValueError TypeError {names}"
    assert module.module_bytes == len(module.mpy)
    assert module.text_bytes == len(file.text) < module.module_bytes
    assert {"midge_classify", "midge_frontend_push"} <= set(module.symbols)


def test_same_bytes_from_an_empty_cache(
    toy: ModuleType, toy_module: Callable[..., toolchain.Module], target_name: str, empty_cache: Path
) -> None:
    assert not (empty_cache / "objects").exists()
    again = _build(toy.sources(), targets.get(target_name))
    assert list((empty_cache / "objects").iterdir())
    assert again.mpy == toy_module(target_name).mpy


def test_second_build_starts_no_compiler(toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _build(toy.sources(), targets.get("armv6m"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a compiler was started")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert _build(toy.sources(), targets.get("armv6m")).mpy == first.mpy


def test_changed_header_is_compiled_again(toy: ModuleType) -> None:
    sources = toy.sources()
    first = _build(sources, targets.get("x64"))
    sources["model_config.h"] = sources["model_config.h"].replace("toy", "tox")
    assert b'"tox"' in _build(sources, targets.get("x64")).mpy
    assert b'"toy"' in first.mpy


def _build_in_process(folder: str, results: multiprocessing.Queue[bytes], sources: dict[str, str]) -> None:
    import os

    os.environ["MIDGE_CACHE"] = folder
    results.put(_build(sources, targets.get("armv7m")).mpy)


def test_processes_may_build_the_same_at_once(toy: ModuleType, empty_cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[bytes] = context.Queue()
    workers = [
        context.Process(target=_build_in_process, args=(str(empty_cache), results, toy.sources()))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    built = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert len(built) == 1
    assert not list((empty_cache / "working").iterdir())


def test_compiler_error_is_one_line_with_file_and_place(toy: ModuleType) -> None:
    sources = toy.sources()
    sources["model.c"] += "\nint broken(void) { return nonsense; }\n"
    with pytest.raises(CompileError, match=r"^[^\n]*model\.c:\d+:\d+: error: [^\n]*'nonsense'[^\n]*$"):
        _build(sources, targets.get("armv6m"))


def test_unresolved_function_is_a_link_error_that_names_it(toy: ModuleType) -> None:
    sources = toy.sources()
    sources["model.c"] = sources["model.c"].replace("value_saturate(sum)", "malloc_nothing(sum)")
    sources["model.c"] = "extern short malloc_nothing(int);\n" + sources["model.c"]
    with pytest.raises(LinkError, match="malloc_nothing"):
        _build(sources, targets.get("rv32imc"))


def test_sections_of_other_names_have_no_place(toy: ModuleType) -> None:
    sources = toy.sources()
    sources["model.c"] = sources["model.c"].replace(
        "static const uint32_t MAGIC", '__attribute__((section("elsewhere"))) uint32_t MAGIC'
    )
    with pytest.raises(LinkError, match="elsewhere"):
        _build(sources, targets.get("x64"))


def test_missing_header_is_a_compile_error() -> None:
    with pytest.raises(CompileError, match=r"no_such\.h"):
        toolchain.host_library({"a.c": '#include "no_such.h"\n'})


@pytest.mark.parametrize("name", ["armv7emsp", "armv7emdp"])
def test_soft_float_in_a_hard_float_module_is_refused(name: str, toy: ModuleType) -> None:
    sources = toy.sources()
    sources["model.c"] = sources["model.c"].replace(
        "sum += features[j] * weights[i][j];",
        "sum = (int32_t)((float)sum + (float)features[j] * weights[i][j]);",
    )
    target = targets.get(name)
    assert _build(sources, target).mpy
    soft = targets.get("armv7m")
    assert _build(sources, soft).mpy
    with pytest.raises(LinkError, match="__aeabi_f"):
        _build(sources, dataclasses.replace(soft, forbidden_calls=target.forbidden_calls))


@pytest.mark.check
def test_compiler_needs_the_fpu_by_name(toy: ModuleType) -> None:
    """Without it in -mcpu, the compiler silently calls soft-float functions from hard-float objects."""
    sources = toy.sources()
    sources["model.c"] = sources["model.c"].replace("int32_t sum = bias_get(i)", "float sum = bias_get(i)")
    target = targets.get("armv7emsp")
    assert _build(sources, target).mpy
    with pytest.raises(LinkError, match="__aeabi_f"):
        _build(sources, dataclasses.replace(target, zig_cpu="cortex_m4+strict_align"))


def test_target_without_compiler_says_so(toy: ModuleType) -> None:
    with pytest.raises(ToolchainMissing, match="--layout table"):
        _build(toy.sources(), targets.get("xtensawin"))


@pytest.mark.parametrize("name", ["x64", "armv6m"])
def test_shipped_c_has_no_warnings(name: str) -> None:
    target = targets.get(name)
    strict = dataclasses.replace(target, cflags=(*target.cflags, *_STRICT))
    toolchain.build_module({}, strict, name="midge_native", exports=module_glue.NATIVE)


def test_model_glue_has_no_warnings(toy: ModuleType) -> None:
    for frontend in (True, False):
        target = targets.get("armv7m")
        strict = dataclasses.replace(target, cflags=(*target.cflags, *_STRICT))
        _build(toy.sources(frontend=frontend), strict)


def test_headers_bring_their_c_files() -> None:
    found = native_sources.complete({"a.c": '#include "primitives.h"\n'})
    assert {"a.c", "primitives.h", "primitives.c"} == set(found)
    own = native_sources.complete({"a.c": '#include "primitives.h"\n', "primitives.h": "/* own */"})
    assert own["primitives.h"] == "/* own */"
    entry = native_sources.complete({"a.c": '#include "mp_module.h"\n'})
    assert "mp_module.c" not in entry


def test_progress_counts_up_to_its_total(toy: ModuleType, empty_cache: Path) -> None:
    seen: list[tuple[float, float | None, str]] = []
    toolchain.build_module(
        toy.sources(),
        targets.get("x64"),
        name="toy",
        exports=module_glue.MODEL,
        on_progress=lambda done, total=None, text="": seen.append((done, total, text)),
    )
    dones = [done for done, _, _ in seen]
    assert dones == sorted(dones)
    assert seen[-1][0] == seen[-1][1]
    assert all(text for _, _, text in seen)


def test_wrong_relocations_are_refused(toy: ModuleType, toy_module: Callable[..., toolchain.Module]) -> None:
    toy_module("armv6m")
    linked = max((cache_folder() / "linked").iterdir(), key=lambda path: path.stat().st_mtime).read_bytes()
    machine = int.from_bytes(linked[18:20], "little")
    target = next(
        target
        for target in targets.TARGETS.values()
        if {"EM_ARM": 40, "EM_X86_64": 62, "EM_RISCV": 243}.get(target.elf_machine) == machine
    )
    with pytest.raises(LinkError, match="relocation type"):
        link_image.read_image(linked, dataclasses.replace(target, relative_relocation=1, forbidden_calls=()))
    with pytest.raises(LinkError, match="linked for"):
        link_image.read_image(linked, dataclasses.replace(target, elf_machine="EM_XTENSA"))
    with pytest.raises(LinkError, match="no ELF"):
        link_image.read_image(b"\x7fELF", target)


def test_host_library_answers_through_ctypes() -> None:
    source = (
        "#include <math.h>\n#include <stdint.h>\nint64_t cube(int32_t x) { return (int64_t)x * x * x; }\n"
    )
    source += "double root(double x) { return sqrt(x); }\n"
    path = toolchain.host_library({"cube.c": source})
    assert toolchain.host_library({"cube.c": source}) == path
    library = ctypes.CDLL(str(path))
    library.cube.restype = ctypes.c_int64
    library.root.restype, library.root.argtypes = ctypes.c_double, [ctypes.c_double]
    assert library.cube(-3000) == -27_000_000_000
    assert library.root(2.0) == 2.0**0.5


@pytest.mark.check
@pytest.mark.parametrize(
    ("platform", "machine", "suffix", "magic"),
    [
        ("win32", "AMD64", ".dll", b"MZ"),
        ("darwin", "arm64", ".dylib", b"\xcf\xfa\xed\xfe"),
        ("linux", "aarch64", ".so", b"\x7fELF"),
    ],
)
def test_host_library_for_other_systems(
    platform: str, machine: str, suffix: str, magic: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain._zig()
    folder = cache_folder()
    monkeypatch.setenv("MIDGE_CACHE", str(folder))
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("platform.machine", lambda: machine)
    path = toolchain.host_library({"one.c": "int one(void) { return 1; }\n"})
    assert path.suffix == suffix
    data = path.read_bytes()
    assert data.startswith(magic)
    assert b"one" in data


def test_digest_tells_sequences_apart() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"]) != digest(["abc"])
