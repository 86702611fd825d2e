"""Modules that midge's own linker makes: every family and front end, on every target, without a compiler."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from midge import assets, build, model_file, targets
from midge.compile import c99, emulate_watch, kernels, kernels_build, link_kernels, module_glue, toolchain
from midge.compile.emulate import Emulator
from midge.errors import ToolchainMissing
from midge.model_file import Model
from midge.virtual import interpreter


def _models() -> ModuleType:
    path = Path(__file__).with_name("xtensa") / "models.py"
    spec = importlib.util.spec_from_file_location("linked_models", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


models = _models()
FRAMED: dict[str, Callable[[], Model]] = {
    "motion": models.motion,
    "motion in a segment": lambda: models.motion(segment=True),
    "filters": lambda: models.motion(channels=models.GYRO, lowpass_hz=20.0),
    "sound": models.sound,
}
# tests/compile/test_xtensa.py has the last target.
LINKED = [name for name in targets.TARGETS if name != "xtensawin"]
_IN_EVERY_RUN = {
    *((name, "armv6m") for name in models.FAMILIES),
    *((name, target) for name in ("linear", "forest", "net tanh", "gaussian") for target in LINKED),
    *{"motion in a segment": "armv7emsp", "sound": "rv32imc", "filters": "x64"}.items(),
}


def _model(name: str) -> Model:
    return FRAMED[name]() if name in FRAMED else models.classifiers()[name]


def _matrix() -> list[object]:
    every = [(name, target) for name in (*models.FAMILIES, *FRAMED) for target in LINKED]
    return [case if case in _IN_EVERY_RUN else pytest.param(*case, marks=pytest.mark.check) for case in every]


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither zig nor anything on the PATH, nothing in the cache, and no program can be started."""

    models.classifiers()
    for target in targets.TARGETS.values():
        kernels.load(target)

    def started(*arguments: object, **options: object) -> None:
        raise AssertionError(f"a program was started: {arguments}")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MIDGE_CACHE", str(tmp_path))
    monkeypatch.setattr(subprocess, "Popen", started)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "ziglang" else find_spec(name, *more)
    )
    for cached in (toolchain._zig, emulate_watch._hooks):
        cached.cache_clear()


@pytest.mark.parametrize(("name", "target_name"), _matrix())
def test_it_gives_the_bits_of_the_model(name: str, target_name: str) -> None:
    # build() compares golden rows, extremes, rows at thresholds and raw windows, in strict emulation.
    built = build.build(_model(name), target_name, layout="table")
    assert built.layout == "table"
    assert built.rows >= 100
    assert built.windows == (8 if name in FRAMED else 0)
    assert any("/" in symbol for symbol in built.symbols), "compiled, not linked with kernels"


@pytest.mark.parametrize(
    ("name", "target_name"),
    [
        case if case == ("rbf", "armv7emsp") else pytest.param(*case, marks=pytest.mark.check)
        for name in (*models.FAMILIES, *FRAMED)
        for case in ((name, target) for target in LINKED)
    ],
)
def test_it_answers_as_what_the_compiler_and_lld_make(name: str, target_name: str) -> None:
    model, target = _model(name), targets.get(target_name)
    sources = c99.sources(model, layout=c99.candidates(model)[-1][0], backend="midge")
    compiled = toolchain.build_module(sources, target, name=model.name, exports=module_glue.MODEL)
    linked = link_kernels.build_model(model, target)
    boards = [Emulator(module.mpy, target, module.symbols) for module in (linked, compiled)]
    for row in np.random.default_rng(9).integers(-32768, 32768, (100, model.n_features)).astype(np.int16):
        (winner, scores), (other, other_scores) = (board.classify(row) for board in boards)
        assert winner == other
        assert np.array_equal(scores, other_scores)
    for window in model.golden.windows:
        states = [board.state() for board in boards]
        assert [board.push(state, window) for board, state in zip(boards, states, strict=True)] == [
            len(window)
        ] * 2
        found = [board.features(state) for board, state in zip(boards, states, strict=True)]
        assert np.array_equal(*found)
    # What a table costs: steps and pointers instead of generated calls.
    assert linked.module_bytes < 1.25 * compiled.module_bytes + 512


@pytest.mark.parametrize("target_name", targets.TARGETS)
def test_no_program_is_started(no_compiler: None, target_name: str) -> None:
    model = model_file.load(assets.models_folder() / "gesture")
    target = targets.get(target_name)
    assert link_kernels.build_model(model, target).mpy[:1] == b"M"
    assert link_kernels.build_native(target).mpy[:1] == b"M"


@pytest.mark.parametrize("name", ["forest", "linear"])
def test_auto_takes_the_table_where_there_is_no_compiler(no_compiler: None, name: str) -> None:
    model = models.classifiers()[name]
    built = build.build(model, "rv32imc")
    assert built.layout == "table"
    assert built.instructions_mean > 100
    with pytest.raises(ToolchainMissing, match="pip install ziglang"):
        build.build(model, "rv32imc", layout="code")


@pytest.mark.parametrize("target_name", targets.TARGETS)
def test_the_same_model_gives_the_same_bytes(target_name: str) -> None:
    first, second = (
        link_kernels.build_model(models.classifiers()["forest"], targets.get(target_name)).mpy
        for _ in range(2)
    )
    assert first == second


def test_dsp_instructions_stay_in() -> None:
    # SMLAD, T1: the sums of a net, two products at a time.
    code = kernels.load(targets.get("armv7emsp")).sections["dense_dsp:pairs_multiply"].data
    halves = [int.from_bytes(code[at : at + 2], "little") for at in range(0, len(code), 2)]
    assert sum(half & 0xFFF0 == 0xFB20 for half in halves) == 8
    net = models.classifiers()["net relu"]
    assert "dense_dsp:pairs_multiply" in link_kernels.build_model(net, targets.get("armv7emsp")).symbols
    assert "dense_dsp:pairs_multiply" not in link_kernels.build_model(net, targets.get("armv7m")).symbols


def test_only_what_a_model_uses_is_linked_in() -> None:
    target = targets.get("armv6m")
    linear = link_kernels.build_model(models.classifiers()["linear"], target)
    assert not {"forest_table:leaf_add", "motion_mean", "kernel_rbf_sums", "fft_real"} & set(linear.symbols)
    assert {"dense_int16", "model_classify/bare"} <= set(linear.symbols)


_ON_MICROPYTHON = """
import sys
sys.path.insert(0, {folder!r})
from array import array
import linked
rows = {rows!r}
scores = array('h', bytearray(2 * linked.N_SCORES))
for row in rows:
    print(linked.classify(array('h', row), scores), list(scores))
if linked.STATE_BYTES:
    state, found = bytearray(linked.STATE_BYTES), array('h', bytearray(2 * linked.N_FEATURES))
    for number in range({windows}):
        linked.init(state)
        with open({folder!r} + '/window%d' % number, 'rb') as file:
            block = array('h', file.read())
        at = 0
        while at < len(block) // {channels}:
            at += linked.push(state, block, at)
        linked.features(state, found)
        print(list(found))
print(linked.info())
"""


@pytest.mark.parametrize("name", ["forest", "rbf", "net logistic", "motion in a segment", "sound"])
def test_micropython_imports_it(name: str, tmp_path: Path) -> None:
    found = interpreter.find()
    if found is None:
        pytest.skip("no MicroPython here: python -m midge.virtual.interpreter fetches one")
    model = _model(name)
    (tmp_path / "linked.mpy").write_bytes(link_kernels.build_model(model, targets.get("x64")).mpy)
    golden = model.golden
    windows = golden.windows[:2]
    for number, window in enumerate(windows):
        (tmp_path / f"window{number}").write_bytes(window.astype("<i2").tobytes())
    program = _ON_MICROPYTHON.format(
        folder=str(tmp_path),
        rows=[row.tolist() for row in golden.features[:20]],
        windows=len(windows),
        channels=len(model.frontend.channels) if model.frontend else 1,
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [*found.command, "-X", "heapsize=16M", str(tmp_path / "program.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 20 + len(windows) + 1, done.stderr
    rows = zip(golden.index[:20], golden.scores[:20], strict=True)
    assert lines[:20] == [f"{winner} {scores.tolist()}" for winner, scores in rows]
    assert lines[20:-1] == [str(row.tolist()) for row in golden.window_features[: len(windows)]]
    assert model.digest in lines[-1]


def test_no_helper_of_a_compiler_calls_itself() -> None:
    # A compiler that knows what memset does may make a call of it out of memset's own loop.
    for name in targets.TARGETS:
        for section in kernels.load(targets.get(name)).sections.values():
            if section.name.startswith(("mem", "__")):
                assert section.name not in {one.symbol for one in section.relocations}, (name, section.name)


def test_flavours_are_as_many_as_models_need() -> None:
    rooms = {f"model_predict/{room}" for room in kernels.ROOMS}
    assert rooms <= set(kernels.load(targets.get("armv6m")).sections)
    assert kernels_build.digests(targets.get("armv6m")).keys() >= {"window", "table_net/16"}
