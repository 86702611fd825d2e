"""What a model costs on each target: instructions, time, memory; and what it is worth: its accuracy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import build, chips
from .errors import BudgetExceeded, ModelError, ToolchainMissing, UnsupportedModel
from .log_axis import log_x
from .model_file import Model
from .progress import Advance
from .targets import TARGETS
from .train import REPORT_NAME

# x64 is the virtual board: its instructions are no board's.
ALL = tuple(name for name in TARGETS if name != "x64")


@dataclass(frozen=True)
class OnChip:
    """Estimated time of one classification on a chip, front end included.

    low_us, high_us : float
        fewest and most
    load_percent : float or None
        of the processor, at most, while a sensor is watched; None without front end
    energy_uj : float or None
        at most, at 3 V; None where the chip's current is not known
    """

    chip: str
    clock_hz: int
    low_us: float
    high_us: float
    load_percent: float | None
    energy_uj: float | None


@dataclass(frozen=True)
class Bench:
    """A model on a target; figures as in `build.BuiltModule`.

    features_instructions : float
        of one window's features, and of taking in the samples of one hop; 0 without front end
    cycles : (low, high)
        estimated, of one classification with its features
    """

    name: str
    family: str
    target: str
    layout: str
    level: str
    instructions_mean: float
    instructions_max: int
    features_instructions: float
    cycles: tuple[int, int] | None
    module_bytes: int
    state_bytes: int
    stack_bytes: int
    ram_bytes: int
    on_chips: tuple[OnChip, ...]
    accuracy: float | None

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return asdict(self)


@dataclass(frozen=True)
class Refused:
    """A target that the model can't be built for, and why."""

    name: str
    target: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {"name": self.name, "target": self.target, "refused": self.why}


def accuracy_of(folder: Path, model: Model) -> float | None:
    """Accuracy on unseen groups that this very model's training reported; None without a report."""
    try:
        report = json.loads((folder / REPORT_NAME).read_text(encoding="utf-8"))
        is_its = report["model"]["digest"] == model.digest
        return float(report["accuracy"]) if is_its else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def bench(
    model: Model,
    targets: Sequence[str] = ALL,
    *,
    layout: str = "auto",
    optimise: str = "auto",
    accuracy: float | None = None,
    on_progress: Advance | None = None,
) -> list[Bench | Refused]:
    """Build, check and measure a model for each target; raises as `build.build`, missing compilers apart."""
    found: list[Bench | Refused] = []
    for number, target in enumerate(targets):
        if on_progress:
            on_progress(number, len(targets), f"{model.name} for {target}")
        try:
            built = build.build(model, target, layout=layout, optimise=optimise)
        except (ToolchainMissing, UnsupportedModel, BudgetExceeded) as error:
            found.append(Refused(model.name, target, str(error)))
            continue
        found.append(_measured(built, accuracy))
    if on_progress:
        on_progress(len(targets), len(targets), "")
    return found


def _measured(built: build.BuiltModule, accuracy: float | None) -> Bench:
    model = built.model
    instructions = built.inference_instructions
    span = chips.CYCLES.get(built.target.name)
    return Bench(
        name=model.name,
        family=model.ir.kind,
        target=built.target.name,
        layout=built.layout,
        level=built.level,
        instructions_mean=built.instructions_mean,
        instructions_max=built.instructions_max,
        features_instructions=built.frontend_instructions,
        cycles=(round(instructions * span[0]), round(instructions * span[1])) if span else None,
        module_bytes=built.module_bytes,
        state_bytes=built.state_bytes,
        stack_bytes=built.stack_bytes,
        ram_bytes=built.ram_bytes,
        on_chips=tuple(
            _on_chip(chip, instructions * span[0], instructions * span[1], _hops_a_second(model))
            for chip in chips.of_target(built.target.name)
            if span
        ),
        accuracy=accuracy,
    )


def _hops_a_second(model: Model) -> float | None:
    if model.frontend is None or model.sensor is None:
        return None
    return model.sensor.rate_hz / model.frontend.hop


def _on_chip(chip: chips.Chip, low_cycles: float, high_cycles: float, hops_a_second: float | None) -> OnChip:
    high_s = high_cycles / chip.clock_hz
    return OnChip(
        chip.name,
        chip.clock_hz,
        low_us=1e6 * low_cycles / chip.clock_hz,
        high_us=1e6 * high_s,
        load_percent=None if hops_a_second is None else 100 * high_s * hops_a_second,
        energy_uj=None if chip.current_ma is None else 1e3 * high_s * chip.current_ma * 3.0,
    )


def draw(found: Sequence[Bench], path: Path, title: str, *, of: str = "unseen groups") -> None:
    """Accuracy `of` what against instructions, a colour a target; the larger the dot, the larger the module.

    Raises ModelError for a model whose accuracy is not known.
    """
    from matplotlib.figure import Figure

    known = [(one, one.accuracy) for one in found if one.accuracy is not None]
    if len(known) < len(found):
        name = next(one.name for one in found if one.accuracy is None)
        raise ModelError(f"the accuracy of {name} is not known; train it, or name recordings with --data")
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for target in dict.fromkeys(one.target for one in found):
        of_target = [(one, accuracy) for one, accuracy in known if one.target == target]
        axes.scatter(
            [one.instructions_mean + one.features_instructions for one, _ in of_target],
            [100 * accuracy for _, accuracy in of_target],
            [max(12.0, one.module_bytes / 200) for one, _ in of_target],
            alpha=0.6,
            label=target,
        )
    for one, accuracy in {one.name: (one, accuracy) for one, accuracy in known}.values():
        at = (one.instructions_mean + one.features_instructions, 100 * accuracy)
        axes.annotate(one.name, at, textcoords="offset points", xytext=(4, 6), fontsize="small")
    log_x(axes)
    axes.set_xlabel("instructions an inference, front end included")
    axes.set_ylabel(f"accuracy on {of}, %")
    axes.set_title(title)
    axes.legend(fontsize="small")
    # No time and no version: the same models give the same picture.
    metadata = {".svg": {"Date": None}, ".png": {"Software": None}}.get(path.suffix.lower())
    try:
        figure.savefig(path, dpi=100, metadata=metadata)
    except ValueError as error:
        raise ModelError(f"can't draw {path.name} ({error}); choose .png, .svg or .pdf") from None
