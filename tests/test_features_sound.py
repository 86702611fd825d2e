"""Features of sound: against an oracle in float, in whatever blocks samples come, on boards bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dct

from midge import build, families, features, features_sound, model_file, targets
from midge.compile.emulate import Emulator
from midge.errors import ModelError, RecipeError
from midge.evaluate import compiled
from midge.features_sound import SOUND_CHANNELS, SoundSampling, mel
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


def extract(names: tuple[str, ...], windows: Int16, sampling: SoundSampling = SAMPLING) -> Int16:
    return features.extract(names, windows, SOUND_CHANNELS, sampling=sampling)


def oracle_levels(window: Int16) -> NDArray[np.float64]:
    """Levels (n_frames, bands) in steps of 3.01 dB / 256, by numpy, in float."""
    n, step = 512, SAMPLING.step
    frames = np.lib.stride_tricks.sliding_window_view(window[:, 0].astype(float), n)[::step]
    power = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)))) ** 2
    weights = np.zeros((SAMPLING.bands, n // 2 + 1))
    for row, (first, own) in zip(weights, features_sound.bank(SAMPLING), strict=True):
        row[first : first + len(own)] = np.array(own) / 65536
    found = 256 * np.maximum(0, np.log2(np.maximum(power @ weights.T, 1e-9)) - 6)
    return np.asarray(found, np.float64)


def oracle(
    window: Int16, n_cepstra: int, parts: int, share: float = 90 / 256, room_db: float | None = None
) -> NDArray[np.float64]:
    """Contours (parts, n_cepstra) in steps of 3.01 dB / 256, by numpy and scipy, in float."""
    levels = oracle_levels(window)
    loudness = levels.mean(axis=1)
    room = np.sort(loudness)[len(loudness) // 10]
    least = room + share * (loudness.max() - room)
    edges = [int(loudness.argmax())] * 2
    for side, direction in ((0, -1), (1, 1)):
        at = edges[side] + direction
        while 0 <= at < len(loudness) and abs(at - edges[side]) <= 8:
            if loudness[at] >= least:
                edges[side] = at
            at += direction
    if room_db is not None:
        quiet = loudness <= np.sort(loudness)[len(loudness) // 5]
        levels = np.maximum(0, levels - levels[quiet].mean(axis=0) - room_db * features_sound.LSB_PER_DB)
    word = levels[max(0, edges[0] - 2) : edges[1] + 3]
    fine = np.repeat(word, parts, axis=0).reshape(parts, -1, SAMPLING.bands).mean(axis=1)
    cepstra = dct(fine, axis=1, type=2)[:, :n_cepstra] / SAMPLING.bands
    return np.asarray(cepstra - cepstra.mean(axis=0))


def test_contours_are_the_oracles() -> None:
    names = tuple(f"c{c}.contour@{part}/10" for part in range(1, 11) for c in range(16))
    windows = words(12)
    found = extract(names, windows).reshape(12, 10, 16)
    wanted = np.array([oracle(window, 16, 10) for window in windows])
    # 85 steps are 1 dB; what lies 60 dB below the loudest band has less than that of precision.
    assert np.sqrt(np.mean((found - wanted) ** 2, axis=(1, 2))).max() < 12
    assert np.abs(found - wanted).max() < 43
    assert np.abs(wanted).max() > 500


def test_what_the_room_says_counts_for_nothing() -> None:
    sampling = replace(SAMPLING, word_share=140, room_db=4.0)
    names = tuple(f"c{c}.contour@{part}/10" for part in range(1, 11) for c in range(12))
    windows = words(12, seed=3)
    found = extract(names, windows, sampling).reshape(12, 10, 12)
    wanted = np.array([oracle(window, 12, 10, 140 / 256, 4.0) for window in windows])
    assert np.sqrt(np.mean((found - wanted) ** 2, axis=(1, 2))).max() < 12
    # A tone that begins and ends is heard; a hum that is always there is not.
    t = np.arange(LENGTH) / 16000
    hum = 900 * np.sin(2 * np.pi * 3100 * t) + 4000 * np.sin(2 * np.pi * 500 * t) * (abs(t - 0.5) < 0.2)
    at = [int(np.argmin([abs(mel(hz) - mid) for mid in _middles()])) for hz in (500, 3100)]
    bands = tuple(f"b{band}.course@1/1" for band in at)
    noisy = np.rint(hum + np.random.default_rng(1).normal(0, 20, LENGTH)).astype(np.int16)[None, :, None]
    as_it_is, above = (
        extract(bands, noisy, by)[0].tolist() for by in (replace(sampling, room_db=None), sampling)
    )
    assert min(as_it_is) > 3000
    assert above[0] > 1500
    assert above[1] < 50


def _middles() -> list[float]:
    """Of the bands, in mel."""
    edges = np.linspace(mel(SAMPLING.low_hz), mel(SAMPLING.high_hz), SAMPLING.bands + 2)
    return [float(edge) for edge in edges[1:-1]]


def test_frames_are_the_oracles_and_gain_is_gone() -> None:
    windows = words(4, seed=8)
    bands = features_sound.frame_names(LENGTH, SAMPLING)
    assert len(bands) == 49 * 32
    wanted = np.array([oracle_levels(window) for window in windows])
    found = extract(bands, windows).reshape(4, 49, 32).astype(float)
    expected = wanted - wanted.mean(axis=(1, 2), keepdims=True)
    loud = wanted > wanted.max(axis=(1, 2), keepdims=True) - 50 * features_sound.LSB_PER_DB
    assert np.sqrt(np.mean((found - expected)[loud] ** 2)) < 12
    coefficients = features_sound.frame_names(LENGTH, SAMPLING, "c", 10)
    assert len(coefficients) == 490
    cepstra = extract(coefficients, windows).reshape(4, 49, 10).astype(float)
    assert np.abs(cepstra - dct(found, axis=2, type=2)[:, :, :10] / 32).max() <= 1
    softer = extract(bands, (windows // 2).astype(np.int16)).reshape(4, 49, 32)
    assert np.median(np.abs(softer - found)[loud]) <= 4
    # Any selection is that of the whole.
    some = ("f48.b31", "f7.b3", "f7.b4", "f0.b0")
    assert np.array_equal(extract(some, windows), found[:, [48, 7, 7, 0], [31, 3, 4, 0]])
    above = extract(bands, windows, replace(SAMPLING, room_db=0.0))
    assert above.min() == 0


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
    assert (found[:, 9] > 64 * 5).all()
    assert (found[:, 9] % 64 == 0).all()
    assert (found[:, 10] > 1000).all()


@pytest.mark.parametrize("value", [0, 1, -32768, 32767])
def test_constant_sound_is_no_trouble(value: int) -> None:
    found = extract(features_sound.names(), np.full((1, LENGTH, 1), value, np.int16))
    assert np.abs(found[0, :-4].astype(int)).max() < 2600


# What is heard: how it is analysed, and features of every kind.
FRONT_ENDS = {
    "words": (SAMPLING, features_sound.names(8, 4)),
    "room": (replace(SAMPLING, word_share=141, room_db=3.0), features_sound.names(8, 4)),
    "frames": (SoundSampling.usual(16000, bands=8, step_ms=30), ("seg.length", "c1.spread:4")),
    "mfcc": (
        SoundSampling.usual(16000, bands=8, step_ms=30, room_db=0.0),
        ("f3.b7", "c2.contour@2/4", "seg.after"),
    ),
}


def make_model(sampling: SoundSampling, names: tuple[str, ...], kind: str) -> Model:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind in ("frames", "mfcc"):
        of_frames = features_sound.frame_names(LENGTH, sampling, "b" if kind == "frames" else "c")
        names = (*names, *of_frames)
    windows = words(40)
    X = extract(names, windows, sampling)
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
            HOP if kind in ("words", "room") else 3840,
            names,
            tuple(features.scales(names, sampling, SOUND_CHANNELS)),
            sampling=sampling,
        ),
        sensor=model_file.Sensor(16000, 1, "FS"),
        decision=model_file.Decision(0.5, 1, 0),
        windows=windows,
    )


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    return {kind: make_model(*front_end, kind) for kind, front_end in FRONT_ENDS.items()}


@pytest.fixture
def model(models: dict[str, Model]) -> Model:
    return models["words"]


@pytest.mark.parametrize("kind", FRONT_ENDS)
def test_a_stream_gives_the_features_of_its_windows(models: dict[str, Model], kind: str) -> None:
    frontend = models[kind].frontend
    assert frontend is not None
    stream = words(3, seed=5).reshape(-1, 1)
    found = compiled(models[kind]).stream(stream)
    starts = range(0, len(stream) - LENGTH + 1, frontend.hop)
    windows = np.array([stream[start : start + LENGTH] for start in starts])
    assert np.array_equal(found, frontend.extract(windows))


@pytest.mark.parametrize(
    ("kind", "target_name"),
    [
        ("words", "armv6m"),
        ("words", "armv7emsp"),
        ("room", "armv6m"),
        ("room", "xtensawin"),
        ("frames", "xtensawin"),
        ("mfcc", "xtensawin"),
    ],
)
def test_boards_hear_what_this_machine_hears(models: dict[str, Model], kind: str, target_name: str) -> None:
    target = targets.get(target_name)
    board = Emulator(build.build(models[kind], target).mpy, target)
    frontend = models[kind].frontend
    assert frontend is not None
    stream = words(2, seed=9).reshape(-1, 1)[: LENGTH + frontend.hop]
    expected = compiled(models[kind]).stream(stream)
    state, found, done = board.state(), [], 0
    while done < len(stream):
        done += board.push(state, stream[done : done + 1777])
        if board.ready(state):
            found.append(board.features(state))
    assert np.array_equal(np.array(found), expected)
    assert len(found) == 2


def test_a_model_of_sound_comes_back_from_its_file(models: dict[str, Model], tmp_path: Path) -> None:
    for kind, model in models.items():
        model_file.save(model, tmp_path / kind)
        again = model_file.load(tmp_path / kind)
        assert (again.frontend, again.digest) == (model.frontend, model.digest)
    for kind, find, put, says in (
        ("words", '"hop": 3200', '"hop": 3201', "hop"),
        ("room", '"word_share": 141', '"word_share": 0', "word_share"),
        ("room", '"room_db": 3.0', '"room_db": -1', "room_db"),
    ):
        path = tmp_path / kind / "model.json"
        text = path.read_text()
        assert find in text
        path.write_text(text.replace(find, put))
        with pytest.raises(ModelError, match=says):
            model_file.load(tmp_path / kind)
        path.write_text(text)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("c3.contuor@1/8", "none of sound"),
        ("b32.course@1/8", "b0 to b31"),
        ("c3.course@9/8", "parts count"),
        ("c3.spread@1/8", "spread:N"),
        ("c3.course:8", "course@K/N"),
        ("x.mean", "none of sound"),
        ("f3.b32", "b0 to b31"),
        ("f3.d1", "none of sound"),
    ],
)
def test_a_wrong_name_is_told(name: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        features_sound.parse(name, SAMPLING)


def test_a_frame_that_the_window_has_not_is_told() -> None:
    with pytest.raises(RecipeError, match="frames 0 to 48"):
        features_sound.plan(("f49.b0",), LENGTH, SAMPLING)
