"""Features of sound: against an oracle in float, in whatever blocks samples come, on boards bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dct

from midge import build, families, features, features_sound, model_file, targets
from midge.compile.emulate import Emulator
from midge.errors import ModelError, RecipeError
from midge.evaluate import compiled
from midge.features_sound import SOUND_CHANNELS, SoundSampling
from midge.model_file import Model

Int16 = NDArray[np.int16]
SAMPLING = SoundSampling.usual(16000)
LENGTH, HOP = 16000, 3200


def words(n: int, seed: int = 1) -> Int16:
    """Windows (n, LENGTH, 1) with a buzz of moving pitch and colour somewhere in quiet noise."""
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 20, (n, LENGTH))
    for window in found:
        length = rng.integers(3000, 9000)
        start = rng.integers(0, LENGTH - length)
        t = np.arange(length) / 16000
        pitch = rng.uniform(90, 250) * (1 + rng.uniform(-0.3, 0.3) * t)
        tones = [
            np.sin(2 * np.pi * k * pitch * t) / (1 + abs(k * 200 - rng.uniform(300, 2500)) / 300)
            for k in range(1, 20)
        ]
        window[start : start + length] += 4000 * np.hanning(length) * np.sum(tones, axis=0)
    return np.clip(np.rint(found), -32768, 32767).astype(np.int16)[:, :, None]


def extract(names: tuple[str, ...], windows: Int16) -> Int16:
    return features.extract(names, windows, SOUND_CHANNELS, sampling=SAMPLING)


def oracle(window: Int16, n_cepstra: int, parts: int) -> NDArray[np.float64]:
    """Contours (parts, n_cepstra) in steps of 3.01 dB / 256, by numpy and scipy, in float."""
    n, step = 512, SAMPLING.step
    frames = np.lib.stride_tricks.sliding_window_view(window[:, 0].astype(float), n)[::step]
    power = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)))) ** 2
    weights = np.zeros((SAMPLING.bands, n // 2 + 1))
    for row, (first, own) in zip(weights, features_sound.bank(SAMPLING), strict=True):
        row[first : first + len(own)] = np.array(own) / 65536
    levels = 256 * np.maximum(0, np.log2(np.maximum(power @ weights.T, 1e-9)) - 6)
    loudness = levels.mean(axis=1)
    room = np.sort(loudness)[len(loudness) // 10]
    least = room + 90 / 256 * (loudness.max() - room)
    edges = [int(loudness.argmax())] * 2
    for side, direction in ((0, -1), (1, 1)):
        at = edges[side] + direction
        while 0 <= at < len(loudness) and abs(at - edges[side]) <= 8:
            if loudness[at] >= least:
                edges[side] = at
            at += direction
    word = levels[max(0, edges[0] - 2) : edges[1] + 3]
    fine = np.repeat(word, parts, axis=0).reshape(parts, -1, SAMPLING.bands).mean(axis=1)
    cepstra = dct(fine, axis=1, type=2)[:, :n_cepstra] / SAMPLING.bands
    return cepstra - cepstra.mean(axis=0)


def test_contours_are_the_oracles() -> None:
    names = tuple(f"c{c}.contour@{part}/10" for part in range(1, 11) for c in range(16))
    windows = words(12)
    found = extract(names, windows).reshape(12, 10, 16)
    wanted = np.array([oracle(window, 16, 10) for window in windows])
    # 85 steps are 1 dB; what lies 60 dB below the loudest band has less than that of precision.
    assert np.sqrt(np.mean((found - wanted) ** 2, axis=(1, 2))).max() < 12
    assert np.abs(found - wanted).max() < 43
    assert np.abs(wanted).max() > 500


def test_loudness_moves_no_contour_and_a_later_word_none_either() -> None:
    names = features_sound.names()
    contours = [number for number, name in enumerate(names) if "contour" in name]
    loud = words(6)
    quiet = (loud // 4).astype(np.int16)
    a, b = (extract(names, windows)[:, contours].astype(int) for windows in (loud, quiet))
    assert np.median(np.abs(a - b)) <= 4
    later = np.roll(loud, 2 * SAMPLING.step, axis=1)
    c = extract(names, later)[:, contours].astype(int)
    assert np.median(np.abs(a - c)) <= 2


def test_spread_and_mean_are_of_the_parts() -> None:
    names = (
        "c3.course@1/1",
        *(f"c3.course@{k}/6" for k in range(1, 7)),
        "c3.spread:6",
        "b7.course@2/3",
        "seg.length",
        "seg.contrast",
    )
    found = extract(names, words(8)).astype(float)
    assert np.abs(found[:, 1:7].mean(axis=1) - found[:, 0]).max() <= 2
    assert np.abs(found[:, 1:7].std(axis=1) - found[:, 7]).max() <= 1.5
    assert (found[:, 9] > 5).all()
    assert (found[:, 10] > 1000).all()


@pytest.mark.parametrize("value", [0, 1, -32768, 32767])
def test_constant_sound_is_no_trouble(value: int) -> None:
    found = extract(features_sound.names(), np.full((1, LENGTH, 1), value, np.int16))
    assert np.abs(found[0, :-4].astype(int)).max() < 2600


def make_model() -> Model:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    windows = words(40)
    names = features_sound.names(8, 4)
    X = extract(names, windows)
    y = np.arange(40) % 3
    estimator = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)).fit(X, y)
    return model_file.create(
        families.to_ir(estimator),
        X,
        name="words",
        labels=("a", "b", "c"),
        frontend=model_file.FrontEnd(
            "sound",
            SOUND_CHANNELS,
            LENGTH,
            HOP,
            names,
            tuple(features.scales(names, SAMPLING, SOUND_CHANNELS)),
            sampling=SAMPLING,
        ),
        sensor=model_file.Sensor(16000, 1, "FS"),
        decision=model_file.Decision(0.5, 1, 0),
        windows=windows,
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return make_model()


def test_a_stream_gives_the_features_of_its_windows(model: Model) -> None:
    assert model.frontend is not None
    stream = words(3, seed=5).reshape(-1, 1)
    found = compiled(model).stream(stream)
    starts = range(0, len(stream) - LENGTH + 1, HOP)
    windows = np.array([stream[start : start + LENGTH] for start in starts])
    assert np.array_equal(found, model.frontend.extract(windows))


@pytest.mark.parametrize("target_name", ["armv6m", "armv7emsp"])
def test_boards_hear_what_this_machine_hears(model: Model, target_name: str) -> None:
    target = targets.get(target_name)
    board = Emulator(build.build(model, target).mpy, target)
    stream = words(2, seed=9).reshape(-1, 1)[: LENGTH + HOP]
    expected = compiled(model).stream(stream)
    state, found, done = board.state(), [], 0
    while done < len(stream):
        done += board.push(state, stream[done : done + 1777])
        if board.ready(state):
            found.append(board.features(state))
    assert np.array_equal(np.array(found), expected)
    assert len(found) == 2


def test_a_model_of_sound_comes_back_from_its_file(model: Model, tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    model_file.save(model, tmp_path)
    again = model_file.load(tmp_path)
    assert (again.frontend, again.digest) == (model.frontend, model.digest)
    text = (tmp_path / "model.json").read_text().replace('"hop": 3200', '"hop": 3201')
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="hop"):
        model_file.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("c3.contuor@1/8", "none of sound"),
        ("b32.course@1/8", "b0 to b31"),
        ("c3.course@9/8", "parts count"),
        ("c3.spread@1/8", "spread:N"),
        ("c3.course:8", "course@K/N"),
        ("x.mean", "none of sound"),
    ],
)
def test_a_wrong_name_is_told(name: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        features_sound.parse(name, SAMPLING)
