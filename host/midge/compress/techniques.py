"""What can make a model smaller: one row a technique, with the kinds of model it is for and its strengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..compile.ir import Node
from ..errors import CompileError
from ..validation import Rows
from . import bits, distil, drop, leaves, nets, prune, vectors
from .names import USUAL

# (model, rows to learn from, strength, seed) → the smaller model, or None if it can't be made so.
Apply = Callable[[Any, Rows, float, int], Node | None]


@dataclass(frozen=True)
class Technique:
    """How it is done for each kind of model, and its strengths, the strongest first."""

    summary: str
    strengths: tuple[float, ...]
    of_kind: Mapping[str, Apply]


_SHARES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8)

TECHNIQUES: dict[str, Technique] = {
    "distil": Technique(
        "a student of so many trees or neurons, taught by 200 trees",
        (0.1, 0.2, 0.35, 0.5),
        {"forest": distil.forest, "net": distil.net},
    ),
    "drop": Technique(
        "fewer trees",
        _SHARES,
        {
            "forest": lambda ir, rows, share, seed: drop.from_forest(ir, rows.X, rows.y, share),
            "additive": lambda ir, rows, share, seed: drop.from_sum(ir, rows.X, share),
        },
    ),
    "prune": Technique(
        "fewer leaves, by cost and complexity",
        _SHARES,
        {
            kind: lambda ir, rows, share, seed: prune.prune(ir, rows.X, share)
            for kind in ("forest", "additive")
        },
    ),
    "leaves": Technique(
        "probabilities in so many steps; equal leaves merged",
        (1, 2, 4, 16),
        {"forest": lambda ir, rows, steps, seed: leaves.merge(ir, int(steps))},
    ),
    "neurons": Technique("fewer neurons, tuned again", _SHARES, {"net": nets.fewer_neurons}),
    "rank": Technique("a first layer of low rank, tuned again", (0.3, 0.45, 0.6), {"net": nets.low_rank}),
    "weights": Technique("fewer weights, tuned again", _SHARES, {"net": nets.fewer_weights}),
    "bits": Technique(
        "weights of so many bits",
        (4, 6, 8),
        {
            "net": lambda ir, rows, n_bits, seed: bits.net(ir, rows.X, int(n_bits)),
            "linear": lambda ir, rows, n_bits, seed: bits.linear(ir.calibrated(rows.X), rows.X, int(n_bits)),
        },
    ),
    "vectors": Technique(
        "fewer support vectors, fitted again",
        (0.05, *_SHARES),
        {"kernel": lambda ir, rows, share, seed: vectors.reduce(ir, rows.X, share, seed)},
    ),
}


def check(wanted: Sequence[str] | None) -> None:
    """CompileError for a technique that there is not."""
    unknown = [name for name in wanted or () if name not in TECHNIQUES]
    if unknown:
        raise CompileError(f"no technique {unknown[0]!r}; choose among {', '.join(TECHNIQUES)}")


def steps_for(kind: str, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """The techniques for a kind of model: the usual ones, or those wanted; CompileError if there are none."""
    check(wanted)
    found = tuple(name for name in wanted or USUAL if kind in TECHNIQUES[name].of_kind)
    if not found:
        able = [name for name, one in TECHNIQUES.items() if kind in one.of_kind]
        raise CompileError(
            f"a model of kind {kind!r} can't be made smaller by {', '.join(wanted or USUAL)}"
            + (f"; for it there are {', '.join(able)}" if able else "; train another family")
        )
    return found
