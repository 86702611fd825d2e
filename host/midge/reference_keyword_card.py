"""What is told of the keyword model: whose voices it learnt from, its costs, what it hears of strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import build, targets
from .dataset import Dataset
from .evaluate_stream import StreamEvaluation
from .model_file import Model
from .recipe import Recipe

# What the card tells costs of, the smallest first.
TARGETS = ("armv6m", "armv7emsp")
PICO_HZ = 125e6

_CARD = """# {name}: reference model

{summary}

Words: {words}; everything else is `{background}`. {rate_hz} Hz, windows of {window} samples every {hop};
a net along time of {layers} channels and {labels} values, in int8, on {frames} frames of {bands} bands.
Digest `{digest}`.

| | module | state | instructions of a window: net, sound |
|---|---|---|---|
{costs}

At {windows_a_second:g} windows a second that is {share:.0%} of a Pico's processor at 125 MHz, and
{ram_kb:.0f} kB of memory: for boards that leave MicroPython 128 kB or more, such as RP2040, RP2350,
ESP32 and its kin. What the app itself trains takes 46 kB.

**Trained on people**: {recordings} recordings of one second by {speakers} speakers, from the test set of
[Speech Commands 0.02](https://arxiv.org/abs/1804.03209) (Pete Warden, Google, 2018), used under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). The recordings are not part of midge; what was
learnt from them is in model.json. Golden rows and windows are of espeak-ng voices. Each clip was heard as it
is and in {copies} variants, in {rows} windows of streams: words between other words, parts of words, other
words one after the other.

Five folds, each judged by a model that had not heard its speakers: {accuracy:.3f} of {n} clips, macro F1
{macro_f1:.3f}, {words_right:.3f} of those with a word. The same five models on a stream of their strangers:
{said} words laid into {background_minutes:.1f} minutes of other words, noise and silence, through the model's
C and the decision. Threshold {threshold:g} misses least with {wanted:g} false accepts an hour or fewer:

| | |
|---|---|
| recognised | {right} of {said} |
| taken for another | {confused} |
| missed | {missed} |
| false accepts | {false} in {background_minutes:.1f} min of other words and noise, {an_hour:.1f} an hour |
| an event comes, from the end of the word's clip on | {delay_ms:.0f} ms (median) |

| threshold | false accepts an hour | recognised |
|---|---|---|
{points}

Other words said one after the other without a pause are the hardest background there is; in a room where
people talk now and then a lower threshold does. For your own words and room, record and train again.

```
{importing}
python -m midge.reference_keyword words        # needs espeak-ng
```

The archive is at <http://download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz>. The second
command printed these figures.
"""
# Of thresholds, those that a card shows.
_SHOWN = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


# Labels come from folders; what has other names is background.
_IMPORTING = (
    "midge import speech_commands_test_set_v0.02.tar.gz --into words --skip-unmatched "
    "--pattern '_silence_/{take}.wav=BACKGROUND' "
    "--pattern '_unknown_/{_}_{group}_nohash_{take}.wav.wav=BACKGROUND' "
    "--pattern '{label}/{group}_nohash_{take}.wav'"
)


@dataclass(frozen=True)
class Clips:
    """How strangers' clips were answered: of `n`, and of those with a word."""

    accuracy: float
    macro_f1: float
    words_right: float
    n: int


def text(
    recipe: Recipe,
    data: Dataset,
    model: Model,
    clips: Clips,
    trial: StreamEvaluation,
    channels: Sequence[int],
    copies: int,
) -> str:
    """The card of a model of `data`, tried on speakers that it had not heard."""
    assert trial.tuned is not None and recipe.sensor.sound is not None
    at, bands = trial.tuned, recipe.sensor.sound.bands
    built = {name: build.build(model, targets.get(name)) for name in TARGETS}
    small = built[TARGETS[0]]
    windows_a_second = recipe.sensor.rate_hz / recipe.window.hop
    return _CARD.format(
        name=recipe.name,
        summary=recipe.summary,
        importing=_IMPORTING.replace("BACKGROUND", str(recipe.background)),
        words=", ".join(f"`{word}`" for word in recipe.labels if word != recipe.background),
        background=recipe.background,
        rate_hz=recipe.sensor.rate_hz,
        window=recipe.window.length,
        hop=recipe.window.hop,
        layers=", ".join(map(str, channels)),
        labels=len(recipe.labels),
        frames=len(recipe.features.names) // bands,
        bands=bands,
        costs="\n".join(
            f"| {name} | {one.module_bytes} B | {one.state_bytes} B | "
            f"{one.instructions_mean:,.0f}, {one.frontend_instructions:,.0f} |"
            for name, one in built.items()
        ),
        windows_a_second=windows_a_second,
        share=windows_a_second * small.inference_instructions / PICO_HZ,
        ram_kb=small.ram_bytes / 1024,
        digest=model.digest,
        copies=copies,
        rows=sum(model.provenance["windows"].values()),
        recordings=len(data.recordings),
        speakers=len(data.groups),
        accuracy=clips.accuracy,
        macro_f1=clips.macro_f1,
        n=clips.n,
        words_right=clips.words_right,
        said=trial.said,
        background_minutes=60 * trial.background_hours,
        threshold=at.threshold,
        wanted=trial.wanted_per_hour,
        right=trial.said - at.confused - at.false_rejects,
        confused=at.confused,
        missed=at.false_rejects,
        false=at.false_accepts,
        an_hour=at.false_accepts_per_hour,
        delay_ms=at.delay_ms_median or 0.0,
        points="\n".join(
            f"| {point.threshold:g} | {point.false_accepts_per_hour:.1f} | "
            f"{trial.said - point.confused - point.false_rejects} of {trial.said} |"
            for point in trial.points
            if point.threshold in _SHOWN
        ),
    )
