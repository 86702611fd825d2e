"""A recipe that suits recordings of words: rate, labels, and a window that the longest of them fits in."""

from __future__ import annotations

import math

import numpy as np

from midge_device.decision import is_event

from . import features_sound
from .augment_sound import extent
from .dataset import Dataset
from .features_sound import SoundSampling

LEAST_WINDOW_S, MOST_WINDOW_S = 1.0, 3.0
# Words have little above 8 kHz.
ENOUGH_HZ = 16000
# Of every take, and where there are so many that two will do.
VARIANTS, MANY = 3, 4000
# Of a net: what its module may have at most, and about what that has besides weights of two bytes. Half of
# the neurons hear a point or two worse; more than these gain nothing.
MODULE_BYTES, BESIDES_BYTES = 60_000, 14_000
MOST_HIDDEN = 128
# Around the word, so that it is not cut off.
ROOM_S = 0.2
HOP_S = 0.1

_TEMPLATE = """# Hears {labels_said}.
[app]
name = "{name}"
summary = "Hears {labels_said}."

[sensor]
kind = "sound"
rate_hz = {rate_hz}

[window]
length = {length}           # samples: {length_s:.2f} s
hop = {hop}               # {hop_s:.2f} s

[features]
set = "sound-word"      # cepstra of the stretch that sounds, in its course
word_share = 0.5        # what is louder than so much of the way from the room to the loudest moment

[labels]
names = {labels}
{background}
[decision]
threshold = 0.8         # of the smoothed score; midge evaluate --stream --tune finds a better one
smooth = 3              # windows averaged
cooldown_ms = 1000

[train]
family = "auto"         # the best that keeps to [budget], chosen inside the training groups
seed = 1
folds = 5
windows = "auto"        # takes of a word are one example each
augment = {augment}             # variants of every take, as other people might have said it

[train.net]
hidden = {hidden}            # fewer make a smaller module: half of them lose a point or two
members = 1
noise = 1.0             # on the rows while it learns, so that few voices are not learnt by heart

[budget]
module = {module_bytes}          # bytes
state = {state_bytes}
"""


def recipe_text(
    name: str, data: Dataset, rate_hz: int, background: str | None, window_s: float | None = None
) -> tuple[str, tuple[str, ...]]:
    """A recipe called `name` for recordings of sound at `rate_hz`, and the reasons for it."""
    analysis = SoundSampling.usual(rate_hz)
    words = [item for item in data.recordings if is_event(item.label, background) and len(item.samples)]
    reasons = []
    if window_s is None:
        lengths_s = [(last - first) / rate_hz for first, last in (extent(item.samples) for item in words)]
        longest_s = float(np.quantile(lengths_s, 0.95)) if lengths_s else 0.0
        # Noise up to a clip's ends is no long word: what fits a clip fits a window of its length.
        clip_s = float(np.quantile([len(item.samples) / rate_hz for item in words], 0.95)) if words else 0.0
        wanted_s = min(math.ceil(10 * (longest_s + ROOM_S)) / 10, math.ceil(10 * clip_s) / 10)
        window_s = min(MOST_WINDOW_S, max(LEAST_WINDOW_S, wanted_s))
        reasons.append(f"most words last up to {longest_s:.2f} s: a window of {window_s:g} s")
    if rate_hz > ENOUGH_HZ:
        reasons.append(
            f"{rate_hz} Hz is more than words need, and few microphones of boards give it: import with "
            f"--resample {ENOUGH_HZ}, and a board has less to do"
        )
    length = max(1 << analysis.log2_frame, round(window_s * rate_hz))
    hop = max(1, round(HOP_S * rate_hz / analysis.step)) * analysis.step
    labels = list(data.labels)
    if background is None:
        reasons.append(
            f"none of {', '.join(labels[:6])} is known to stand for everything else: if one does, say so in "
            'app.toml, [labels] background = "…"; else every sound is one of the words'
        )
    said = [label for label in labels if is_event(label, background)]
    text = _TEMPLATE.format(
        name=name,
        labels_said=", ".join(said) if len(", ".join(said)) < 60 else f"{len(said)} words",
        augment=VARIANTS if len(words) < MANY else 2,
        rate_hz=rate_hz,
        length=length,
        length_s=length / rate_hz,
        hop=hop,
        hop_s=hop / rate_hz,
        labels="[" + ", ".join(f'"{label}"' for label in labels) + "]",
        background="" if background is None else f'background = "{background}"\n',
        hidden=_hidden(len(features_sound.names(features_sound.usual_cepstra(analysis))), len(labels)),
        module_bytes=MODULE_BYTES,
        state_bytes=1024 * math.ceil(3 + length / 4000 + 2),
    )
    return text, tuple(reasons)


def _hidden(n_features: int, n_labels: int) -> int:
    """Neurons of a net that keeps to `MODULE_BYTES`, whole eights of them."""
    each_bytes = 2 * (n_features + n_labels) + 6
    return max(8, min(MOST_HIDDEN, (MODULE_BYTES - BESIDES_BYTES) // each_bytes // 8 * 8))
