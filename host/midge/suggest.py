"""A recipe that suits recordings that are there: rate, range, labels, window, features and how to train."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import segmenting, sensor_rates, suggest_sound
from .dataset import Dataset, stretches
from .errors import DatasetError
from .features import GYRO_CHANNELS, MOTION_CHANNELS
from .recipe import NAME
from .recording import SOUND, Recording

Floats = npt.NDArray[np.float64]

# Labels that mean 'nothing in particular', the likeliest first, in small letters.
BACKGROUND = (
    *("other", "others", "background", "none", "null", "nothing", "noise", "unknown", "_unknown_"),
    *("negative", "no gesture", "no_gesture", "idle", "rest"),
    *("sonst", "sonstiges", "anderes", "nichts", "hintergrund", "autre", "otro", "otros", "altro"),
)
# A performance, if takes are so short: half of them, and nearly all.
TAKE_S, LONGEST_TAKE_S = 4.0, 8.0
# Less of a take than this is motion: it is rest, gesture, rest.
EVENT_COVER = 0.6
# A sensor that never turns further is screwed to a machine, unless labels are so far apart: postures.
MOUNTED_DEG = 4.0
POSTURE_DEG = 20.0
# A gyroscope at rest is off by less.
TURNING_DPS = 15.0
# A course of so few samples is smoothed first.
SLOW_HZ = 25
ACTIVITY_S, LEAST_WINDOW, LARGEST_WINDOW = 2.0, 16, 512

_LOWPASS = "lowpass_hz = {hz}        # with so few samples, what is quicker differs from time to time\n"
_TEMPLATE = """# {summary}
[app]
name = "{name}"
summary = "{summary}"

[sensor]
kind = "motion"
rate_hz = {rate_hz}
range_g = {range_g}
channels = {channels}
{gyro}{lowpass}
[window]
length = {length}            # samples: {length_s:.2f} s
hop = {hop}                # {hop_s:.2f} s

[features]
set = "{features}"
segment = {segment}        # of the stretch of motion in the window, wherever it begins and ends

[labels]
names = {labels}
{background}
[decision]
threshold = {threshold}        # of the smoothed score
smooth = {smooth}              # windows averaged
cooldown_ms = {cooldown_ms}

[train]
family = "auto"         # the best of a few, chosen inside the training groups
seed = 1
folds = 5
windows = "{windows}"{why}
augment = {augment}             # variants of every take, as other people might have made it
"""


@dataclass(frozen=True)
class Suggestion:
    """A recipe as TOML, and what it was made of, for people."""

    text: str
    reasons: tuple[str, ...]


def recipe_text(name: str, data: Dataset, window_s: float | None = None) -> Suggestion:
    """A recipe called `name` for `data`; `window_s` is the window's length if somebody knows better.

    Raises DatasetError if the recordings have several rates or fewer than two labels.
    """
    assert NAME.match(name)
    rates = np.array([item.rate_hz for item in data.recordings])
    rate_hz = max(1, round(float(np.median(rates))))
    off = [item for item in data.recordings if abs(item.rate_hz / rate_hz - 1) > 0.05]
    if off:
        raise DatasetError(
            f"{data.folder} has recordings of several rates ({off[0].path} {off[0].rate_hz:g} Hz, most "
            f"{rate_hz} Hz); import them again with --resample {rate_hz}"
        )
    labels = data.labels
    if len(labels) < 2:
        raise DatasetError(f"{data.folder} has one label only ({labels[0]}); a model needs two or more")
    background = _background(labels)
    if all(item.kind == SOUND for item in data.recordings):
        return Suggestion(*suggest_sound.recipe_text(name, data, rate_hz, background, window_s))
    has_gyro = all(item.channels == (*MOTION_CHANNELS, *GYRO_CHANNELS) for item in data.recordings)
    range_g = min(16, 2 ** max(1, math.ceil(math.log2(max(32768 / item.scale for item in data.recordings)))))
    gyro = ""
    if has_gyro:
        range_dps = math.ceil(max(32768 / item.gyro_scale for item in data.recordings))
        gyro = f"range_dps = {range_dps}\n"
    kind, length, reasons = _window(data, rate_hz, background, window_s)
    is_take = kind == "take"
    features = "motion-shape" if is_take else "motion-gesture" if kind == "event" else "motion-activity"
    if kind == "all" and _never_turns(data, rate_hz):
        features = "vibration"
        reasons.append(
            "the sensor hardly turns, as if screwed to a machine: features that mounting changes are left "
            'out (is posture what counts? set = "motion-activity" in app.toml)'
        )
    if has_gyro:
        reasons.append(
            "the recordings have a gyroscope, so the app wants one, which no driver of a board reads yet: "
            'to run it on a board, set channels = ["x", "y", "z"] in app.toml before training'
        )
    if not sensor_rates.is_usual(rate_hz):
        reasons.append(
            f"{rate_hz} Hz is no rate of the usual sensors: if a board shall run it, import with "
            f"--resample {sensor_rates.usual_below(rate_hz)}"
        )
    hop = max(1, length // (8 if kind != "all" else 2))
    why = {
        "take": "        # a recording is one performance, and one example",
        "event": "       # a take is rest, gesture, rest: windows over the gesture carry its label",
        "all": "         # every window carries its recording's label",
    }[kind]
    text = _TEMPLATE.format(
        name=name,
        summary=f"Tells apart {', '.join(labels[:6])}{' and others' if len(labels) > 6 else ''}.",
        rate_hz=rate_hz,
        range_g=range_g,
        channels=json.dumps([*MOTION_CHANNELS, *(GYRO_CHANNELS if has_gyro else ())]),
        gyro=gyro,
        lowpass=_LOWPASS.format(hz=round(0.22 * rate_hz, 1)) if is_take and rate_hz <= SLOW_HZ else "",
        length=length,
        length_s=length / rate_hz,
        hop=hop,
        hop_s=hop / rate_hz,
        features=features,
        segment="true" if is_take else "false",
        labels=json.dumps(list(labels), ensure_ascii=False),
        background=f'background = "{background}"    # never an event\n' if background else "",
        threshold=0.5,
        smooth=2 if kind != "all" else 3,
        cooldown_ms=1000,
        windows=kind,
        why=why,
        augment={"take": 5, "event": 2, "all": 0 if features == "vibration" else 1}[kind],
    )
    return Suggestion(text, tuple(reasons))


def _background(labels: Sequence[str]) -> str | None:
    """The label that means nothing in particular, however it is capitalised."""
    small = {label.casefold(): label for label in labels}
    return next((small[word] for word in BACKGROUND if word in small), None)


def _window(
    data: Dataset, rate_hz: int, background: str | None, window_s: float | None
) -> tuple[str, int, list[str]]:
    """What an example is, the window's length in samples, and why."""
    shown = [item for item in data.recordings if item.label != background] or list(data.recordings)
    lengths_s = np.array([max(b - a for a, b in stretches(item)) / rate_hz for item in shown])
    if window_s is None and np.median(lengths_s) <= TAKE_S and np.percentile(lengths_s, 95) <= LONGEST_TAKE_S:
        length = _bounded(float(np.percentile(lengths_s, 99)) * rate_hz)
        return "take", length, [f"takes of {np.median(lengths_s):.1f} s: each is one performance"]
    kind = "all"
    reasons = [f"takes of {np.median(lengths_s):.1f} s: windows of them are classified"]
    if background is not None and window_s is None:
        cover, longest_s = _motion(shown, rate_hz)
        if cover < EVENT_COVER and longest_s <= LONGEST_TAKE_S:
            reasons = [f"motion fills {cover:.0%} of a take: it is rest, gesture, rest"]
            return "event", _bounded(1.25 * longest_s * rate_hz), reasons
    return kind, _bounded((window_s or ACTIVITY_S) * rate_hz, exact=window_s is not None), reasons


def _bounded(samples: float, *, exact: bool = False) -> int:
    length = round(samples) if exact else math.ceil(samples / 4) * 4
    return min(LARGEST_WINDOW, max(4 if exact else LEAST_WINDOW, length))


def _motion(items: Sequence[Recording], rate_hz: int) -> tuple[float, float]:
    """Usual share of a take that is motion, and length in s that nine of ten stretches of it stay below."""
    shares, lengths_s = [], []
    for item in items:
        found = segmenting.performances(item.samples[:, :3], rate_hz, item.scale)
        shares.append(sum(stop - start for start, stop in found) / max(1, len(item.samples)))
        lengths_s += [(stop - start) / rate_hz for start, stop in found]
    return float(np.median(shares)), float(np.percentile(lengths_s, 90)) if lengths_s else math.inf


def _never_turns(data: Dataset, rate_hz: int) -> bool:
    """Whether gravity stays where it is, in nearly every recording and from label to label of each group.

    And nothing turns about it, as far as a gyroscope tells.
    """
    spreads: list[float] = []
    of_label: dict[tuple[str, str], list[Floats]] = {}
    for item in data.recordings:
        n = len(item.samples) // rate_hz
        if n < 2:
            continue
        means = item.samples[: n * rate_hz].reshape(n, rate_hz, -1).astype(np.float64).mean(axis=1)
        seconds, turning = means[:, :3], means[:, 3:] / item.gyro_scale
        if np.linalg.norm(turning, axis=1).max(initial=0.0) > TURNING_DPS:
            return False
        middle = _unit(_unit(seconds).mean(axis=0))
        spreads.append(float(_angles_deg(_unit(seconds), middle).max()))
        of_label.setdefault((item.group, item.label), []).append(middle)
    if not spreads or float(np.percentile(spreads, 90)) >= MOUNTED_DEG:
        return False
    usual: dict[str, list[Floats]] = {}
    for (group, _), found in of_label.items():
        usual.setdefault(group, []).append(_unit(np.mean(found, axis=0)))
    # Sitting or lying: each holds still, and the direction is all there is to tell them.
    return all(
        float(_angles_deg(np.array(labels), labels[0]).max()) < POSTURE_DEG for labels in usual.values()
    )


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(1e-9, np.linalg.norm(vectors, axis=-1, keepdims=True)))


def _angles_deg(vectors: Floats, to: Floats) -> Floats:
    return np.asarray(np.degrees(np.arccos(np.clip(vectors @ to, -1, 1))))
