"""Models that between them use every kernel: all families and verdicts, every statistic, sound."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from midge import families, features, features_sound, model_file
from midge.features_sound import SoundSampling
from midge.model_file import FrontEnd, Model, Sensor

MOTION = ("x", "y", "z")
GYRO = (*MOTION, "gx", "gy", "gz")
WINDOW, HOP = 64, 16


def _dot_products() -> ModuleType:
    path = Path(__file__).parent.parent / "test_dot_products.py"
    spec = importlib.util.spec_from_file_location("dot_products", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def statistics() -> list[str]:
    """Names of features that call every statistic, each form of row among them."""
    names = []
    for statistic, facts in features.STATISTICS.items():
        if facts.form == "pair":
            names += ["xy.corr", "zm.corr"]
        elif facts.form == "tilt":
            names += ["x.tilt", "z.tilt"]
        elif facts.form == "span":
            continue
        elif facts.form == "course":
            names += ["z.course@2/5"]
        elif facts.form == "percent":
            names += [f"x.{statistic}:25", f"v.{statistic}:90"]
        elif facts.form == "band":
            names += [f"y.{statistic}:2-9", f"m.{statistic}:9-40"]
        elif facts.form == "spectrum":
            names += [f"y.{statistic}"]
        else:
            names += [f"x.{statistic}", f"m.{statistic}@2/3", f"h.{statistic}"]
    return names


def _framed(frontend: FrontEnd, windows: np.ndarray, labels: np.ndarray) -> Model:
    X = frontend.extract(windows)
    # One feature drawn a node: so that none is left out, as unread ones are not compiled.
    fitted = ExtraTreesClassifier(40, max_depth=5, max_features=1, random_state=1).fit(X, labels)
    is_sound = frontend.kind == "sound"
    return model_file.create(
        families.to_ir(fitted),
        X,
        name="framed",
        labels=[str(label) for label in fitted.classes_],
        frontend=frontend,
        sensor=Sensor(frontend.sampling.rate_hz, 1.0 if is_sound else 4.0),
        windows=windows,
        expected=fitted.predict_proba(X),
    )


def motion_windows(seed: int, n: int, n_channels: int) -> np.ndarray:
    """Noise of all strengths, some of it in a part of the window, some of it as loud as int16 can be."""
    source = np.random.default_rng(seed)
    loud = np.exp(source.uniform(0, np.log(30000), (n, 1, n_channels)))
    windows = source.standard_normal((n, WINDOW, n_channels)) * loud
    starts = source.integers(0, WINDOW, (n, 1, 1))
    windows *= (np.arange(WINDOW)[None, :, None] >= starts) | (source.random((n, 1, 1)) < 0.5)
    windows += source.uniform(-8192, 8192, (n, 1, n_channels))
    windows[::50] = source.choice([-32768, 32767], (len(windows[::50]), WINDOW, n_channels))
    return np.clip(windows, -32768, 32767).astype(np.int16)


@cache
def motion(*, segment: bool = False, channels: tuple[str, ...] = MOTION, lowpass_hz: float = 0.0) -> Model:
    """Every statistic of motion, over the window or over the motion in it."""
    names = (*statistics(), *(("seg.length",) if segment else ()), *(("w.std",) if channels == GYRO else ()))
    sampling = features.Sampling(100.0, 8192.0, lowpass_hz=lowpass_hz, highpass_hz=lowpass_hz / 40)
    frontend = FrontEnd(
        *("motion", channels, WINDOW, HOP, names),
        tuple(features.scales(names, sampling, channels)),
        segment=segment,
        sampling=sampling,
    )
    windows = motion_windows(3, 200, len(channels))
    return _framed(frontend, windows, np.arange(200) % 3)


def sound_windows(seed: int, n: int, length: int) -> np.ndarray:
    """Tones in noise, of all strengths."""
    source = np.random.default_rng(seed)
    at = np.arange(length)
    tones = np.sin(at * source.uniform(0.01, 1.0, (n, 1)) + source.uniform(0, 6, (n, 1)))
    tones *= np.exp(-(((at - source.uniform(0, length, (n, 1))) / (length / 6)) ** 2))
    loud = np.exp(source.uniform(0, np.log(30000), (n, 1)))
    noise = source.standard_normal((n, length)) * np.exp(source.uniform(0, 6, (n, 1)))
    return np.clip(tones * loud + noise, -32768, 32767).astype(np.int16)[:, :, None]


@cache
def sound() -> Model:
    """The usual features of a word."""
    sampling = SoundSampling.usual(16000.0)
    names = features_sound.names(8, 4)
    length, hop = 16 * sampling.step, 4 * sampling.step
    scales = tuple(features_sound.parse(name, sampling).scale for name in names)
    frontend = FrontEnd("sound", features_sound.SOUND_CHANNELS, length, hop, names, scales, sampling=sampling)
    return _framed(frontend, sound_windows(5, 60, length), np.arange(60) % 3)


FAMILIES = (*_dot_products().MODELS, "forest", "boosting", "neighbors", "manhattan", "nearest mean")


@cache
def classifiers() -> dict[str, Model]:
    """A model of each family and verdict, without a front end."""
    module = _dot_products()
    found = {
        name: model_file.create(
            ir, module.rows(1, ir.n_features), name="small", labels=[str(i) for i in range(ir.n_scores)]
        )
        for name, ir in module.MODELS.items()
    }
    source = np.random.default_rng(4)
    X = source.integers(-3000, 3000, (300, 7)).astype(np.int16)
    y = (X[:, 0] // 1000 + X[:, 1] // 1500) % 4
    for name, estimator in (
        ("forest", RandomForestClassifier(7, max_depth=6, random_state=1)),
        ("boosting", GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=1)),
        ("neighbors", KNeighborsClassifier(5)),
        ("manhattan", KNeighborsClassifier(19, p=1)),
        ("nearest mean", KNeighborsRegressor(7)),
    ):
        fitted = estimator.fit(X, y)
        labels = [str(label) for label in getattr(fitted, "classes_", ["value"])]
        found[name] = model_file.create(families.to_ir(fitted), X, name="small", labels=labels)
    return found
