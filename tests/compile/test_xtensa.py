"""Models for ESP32: every family and front end, in midge's own emulator and under qemu-xtensa."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

import midge
from midge import assets, build, features, model_file, targets
from midge.compile import c99, host, kernels, link_kernels, mpy
from midge.compile.emulate import Emulator
from midge.errors import MidgeError, ToolchainMissing, UnsupportedModel
from midge.model_file import Model

TARGET = "xtensawin"


def _sibling(name: str) -> ModuleType:
    path = Path(__file__).with_name("xtensa") / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"xtensa_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


models, machine = _sibling("models"), _sibling("machine")


@pytest.fixture(autouse=True, scope="module")
def _kernels() -> None:
    """Kernels of these sources; where there are none, tests/compile/test_kernels.py says so."""
    try:
        kernels.load(targets.get(TARGET))
    except ToolchainMissing as error:
        pytest.skip(str(error))


FRAMED = {
    "motion": models.motion,
    "motion in a segment": lambda: models.motion(segment=True),
    "filters": lambda: models.motion(channels=models.GYRO, lowpass_hz=20.0),
    "sound": models.sound,
}


@pytest.mark.parametrize("name", models.FAMILIES)
def test_every_family_gives_the_bits_of_the_model(name: str) -> None:
    # build() itself compares golden rows, extremes and rows at thresholds.
    assert build.build(models.classifiers()[name], TARGET).rows >= 100


@pytest.mark.parametrize("name", FRAMED)
def test_every_front_end_gives_the_bits_of_the_model(name: str) -> None:
    built = build.build(FRAMED[name](), TARGET)
    assert built.windows == 8
    assert 0 < built.instructions_mean <= built.instructions_max
    assert 0 < built.stack_bytes < 4096


def _windows(name: str, n: int) -> np.ndarray:
    model = FRAMED[name]()
    if name == "sound":
        return models.sound_windows(11, n, model.frontend.window)
    return models.motion_windows(11, n, len(model.frontend.channels))


def _here(model: Model, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features, winners, scores) by the same C on this machine."""
    found = model.frontend.extract(windows)
    scores, winners = host.HostModel(model, c99.sources(model)).classify(found)
    return found, winners, scores


@machine.needed()
@pytest.mark.parametrize("name", models.FAMILIES)
def test_qemu_answers_as_this_machine(name: str) -> None:
    model = models.classifiers()[name]
    module = link_kernels.build_model(model, targets.get(TARGET))
    source = np.random.default_rng(6)
    rows = source.integers(-32768, 32768, (200, model.n_features)).astype(np.int16)
    rows[::2] //= 256
    answers = machine.run(module.mpy, 0, model.n_scores, rows)
    scores, winners = host.HostModel(model, c99.sources(model)).classify(rows)
    assert np.array_equal(answers.scores, scores)
    assert np.array_equal(answers.winners, winners)


def _agrees_under_qemu(model: Model, windows: np.ndarray) -> None:
    module = link_kernels.build_model(model, targets.get(TARGET))
    answers = machine.run(module.mpy, c99.state_bytes(model), model.n_scores, model.golden.features, windows)
    assert f'"digest":"{model.digest}"' in answers.info
    assert np.array_equal(answers.scores, model.golden.scores)
    assert np.array_equal(answers.winners, model.golden.index)
    found, winners, scores = _here(model, windows)
    assert np.array_equal(answers.features, found)
    assert np.array_equal(answers.window_winners, winners)
    assert np.array_equal(answers.window_scores, scores)


def _gestures(n: int) -> tuple[Model, np.ndarray]:
    """The shipped model; noise, and its golden windows turned, louder or softer, in noise."""
    model = model_file.load(assets.models_folder() / "gesture")
    source = np.random.default_rng(8)
    windows = model.golden.windows[source.integers(0, len(model.golden.windows), n)].astype(float)
    turned, _ = np.linalg.qr(source.normal(size=(n, 3, 3)))
    windows = np.where(source.random((n, 1, 1)) < 0.3, windows @ turned, windows)
    windows = windows * np.exp(source.normal(0, 0.5, (n, 1, 1)))
    windows *= source.random((n, 1, 1)) < 0.8
    windows += source.standard_normal(windows.shape) * np.exp(source.uniform(0, 9, (n, 1, 1)))
    return model, np.clip(windows, -32768, 32767).astype(np.int16)


@machine.needed()
def test_qemu_answers_as_this_machine_on_windows() -> None:
    _agrees_under_qemu(*_gestures(200))


@machine.needed()
@pytest.mark.check
def test_ten_thousand_windows_under_qemu() -> None:
    model, windows = _gestures(10_000)
    _agrees_under_qemu(model, windows)
    assert len(np.unique(_here(model, windows)[1])) == len(model.labels)


@machine.needed()
@pytest.mark.check
@pytest.mark.parametrize("name", FRAMED)
def test_front_ends_under_qemu(name: str) -> None:
    _agrees_under_qemu(FRAMED[name](), _windows(name, 100))


@pytest.mark.check
@pytest.mark.parametrize("name", FRAMED)
def test_a_thousand_windows_in_emulation(name: str) -> None:
    model = FRAMED[name]()
    windows = _windows(name, 1_000)
    emulator = build.build(model, TARGET).emulator()
    found, winners, scores = _here(model, windows)
    for number, window in enumerate(windows):
        state = emulator.state()
        assert emulator.push(state, window) == len(window)
        winner, row = emulator.predict(state)
        assert winner == winners[number], number
        assert np.array_equal(row, scores[number]), number
        assert np.array_equal(emulator.features(state), found[number]), number


def test_only_what_a_model_uses_is_linked_in() -> None:
    target = targets.get(TARGET)
    linear = link_kernels.build_model(models.classifiers()["linear"], target)
    framed = link_kernels.build_model(models.motion(), target)
    native = link_kernels.build_native(target)
    assert not {"forest_table:leaf_add", "motion_mean", "kernel_rbf_sums", "fft_real"} & set(linear.symbols)
    assert {"dense_int16", "model_classify/bare"} <= set(linear.symbols)
    statistics = {facts.function for facts in features.STATISTICS.values() if facts.function}
    assert {*statistics, "fft_real", "spectrum_of"} <= set(framed.symbols)
    assert not {"dense_int16", "sound_push"} & set(framed.symbols)
    assert "native_cobs_encode" in native.symbols
    assert len(linear.mpy) < len(framed.mpy)


def test_the_same_model_gives_the_same_bytes() -> None:
    target = targets.get(TARGET)
    first, second = (link_kernels.build_model(models.motion(), target).mpy for _ in range(2))
    assert first == second


def test_one_changed_bit_of_code_is_found() -> None:
    target = targets.get(TARGET)
    model = models.classifiers()["linear"]
    module = link_kernels.build_model(model, target)
    name = next(symbol for symbol in module.symbols if symbol.startswith("scores_softmax"))
    section = kernels.load(target).sections[name]
    at = module.mpy.index(mpy.parse(module.mpy).text) + module.symbols[name]
    found = 0
    changed = range(4, len(section.data), 5)
    for offset in changed:
        broken = bytearray(module.mpy)
        broken[at + offset] ^= 0x10
        try:
            build.check(model, Emulator(bytes(broken), target, module.symbols))
        except MidgeError:
            found += 1
    # Not all bits of an instruction need have an effect.
    assert found > len(changed) / 2


def test_code_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnsupportedModel, match="--layout table"):
        build.build(models.classifiers()["forest"], TARGET, layout="code")
    with pytest.raises(UnsupportedModel, match="--layout table"):
        build.build(models.classifiers()["forest"], TARGET, backend="emlearn")
    assert build.build(models.classifiers()["forest"], TARGET, layout="table").layout == "table"


def test_every_family_of_integers_is_there() -> None:
    from midge.compile import kinds, link_families

    doubles = {name for name, kind in kinds.KINDS.items() if kind.lowering == "precise_double"}
    # A projection stands in front of one of the others.
    assert set(kinds.KINDS) - doubles == {"forest", "projected", *link_families.WRITERS}


def test_doubles_are_refused_with_what_to_do() -> None:
    X = np.random.default_rng(1).normal(size=(60, 3))
    fitted = GaussianMixture(2, random_state=1).fit(X)
    with pytest.raises(UnsupportedModel, match="scale the features"):
        midge.compile(fitted, X).build(TARGET)
