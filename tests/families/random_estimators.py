"""Random estimators on random data, and whether their C says what they say."""

from __future__ import annotations

import argparse
import collections
import time
import traceback
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from random_data import Rows
from random_families import draw

import midge
from midge import families
from midge.compile import golden, reference
from midge.compile.neighbors import Neighbors, undecided
from midge.compile.projected import Projected, project
from midge.errors import CompileError, ParityError, UnsupportedModel


@dataclass
class Outcome:
    """What became of one random estimator.

    kind : 'same', 'refused' (with a reason) or 'wrong'
    inside : rows whose margin is inside the declared ε and that differ
    """

    seed: int
    name: str
    kind: str
    text: str = ""
    inside: int = 0
    rows: int = 0
    epsilon: float = 0.0
    near: int = 0
    details: dict[str, Any] = field(default_factory=dict)


def check(seed: int, targets: tuple[str, ...] = (), only: str = "") -> Outcome:
    """Fit, compile and compare one random estimator."""
    name, estimator, X, y, other = draw(seed, only)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            estimator.fit(X) if y is None else estimator.fit(X, y)
        except (ValueError, TypeError) as error:  # scikit-learn subtracts truths here and there
            return Outcome(seed, name, "unfit", str(error)[:100])
        return _compare(seed, name, estimator, X, other, targets)


def _compare(seed: int, name: str, estimator: Any, X: Rows, other: Rows, targets: tuple[str, ...]) -> Outcome:
    source = np.random.default_rng(seed)
    try:
        compiled = midge.compile(estimator, X)
    except (UnsupportedModel, CompileError, ParityError) as error:
        return Outcome(seed, name, "refused", f"{type(error).__name__}: {error}")
    model = compiled.model
    by = model.quantisation
    sets = {"training": X, "other": other}
    if by.kind == "none":
        edge = source.integers(-32768, 32768, (60, X.shape[1]))
        edge[0], edge[1] = -32768, 32767
        sets["any int16"] = edge
    found = Outcome(seed, name, "same", epsilon=model.epsilon)
    problems = []
    allowed = model.epsilon + (0.0 if by.kind == "none" else model.ir.input_epsilon()) + 1e-12
    for which, rows in sets.items():
        # An estimator of float32 rows answers otherwise to the same numbers in float64.
        given = np.asarray(rows, X.dtype if X.dtype == np.float32 else np.float64)
        read = by.apply(given)
        scores, winners = compiled._host.classify(read)
        expected, expected_winners = golden.expected(model.ir, read)
        if not np.array_equal(scores, expected) or not np.array_equal(winners, expected_winners):
            problems.append(f"{which}: C is not the integer reference")
        true_scores, true_winners = families.answers(estimator, model.ir, given)
        answer = reference.evaluate(model.ir, read)
        differs = winners != true_winners
        inside = answer.margins <= allowed
        # Sums and scales of some kinds are declared for rows like the training rows.
        if by.kind.startswith("affine"):
            inside |= (np.abs(read.astype(np.int32)) >= 32767).any(axis=1)
        elif which == "any int16" and model.ir.kind in (
            "kernel",
            "net",
            "gaussian",
            "quadratic",
            "projected",
        ):
            inside[:] = True
        elif isinstance(model.ir, Neighbors) and (model.ir.metric != 1).any():
            inside |= (read < X.min(axis=0)).any(axis=1) | (read > X.max(axis=0)).any(axis=1)
        bad = int((differs & ~inside).sum())
        if bad:
            problems.append(f"{which}: {bad} of {len(rows)} rows have another answer")
        found.inside += int((differs & inside).sum())
        found.near += int(inside.sum())
        found.rows += len(rows)
        if which == "training" and not len(compiled.classes):
            clear = slice(None)
            # Which of the equally near ones are taken is anybody's choice.
            if isinstance(model.ir, Neighbors):
                clear = ~undecided(model.ir, read.astype(np.float64), 1e-3)
            elif isinstance(model.ir, Projected) and isinstance(model.ir.inner, Neighbors):
                seen = project(model.ir, read.astype(np.float64))
                clear = ~undecided(model.ir.inner, seen, 1e-3)
            error = np.abs(scores / 32767 - true_scores)[clear].max(initial=0.0)
            found.details["score_error"] = float(error)
            if error > 2e-3:
                problems.append(f"{which}: values are off by {error:.2g} of full scale")
    for target in targets:
        try:
            emulator = midge.build_model(model, target).emulator()
        except Exception as error:
            problems.append(f"{target}: {type(error).__name__}: {error}")
            continue
        read = by.apply(np.asarray(other, np.float64))[:40]
        scores, winners = compiled._host.classify(read)
        for row, row_scores, winner in zip(read, scores, winners, strict=True):
            index, board = emulator.classify(row)
            if index != winner or not np.array_equal(board, row_scores):
                problems.append(f"{target}: the module differs from the C")
                break
    if problems:
        found.kind, found.text = "wrong", "; ".join(problems)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--debug", action="store_true")
    args = parser.parse_args()
    total: collections.Counter[str] = collections.Counter()
    for seed in range(args.first, args.last):
        start = time.monotonic()
        try:
            outcome = check(seed, tuple(args.target), args.only)
        except Exception as error:
            if args.debug:
                traceback.print_exc()
            outcome = Outcome(seed, draw(seed, args.only)[0], "crash", f"{type(error).__name__}: {error}")
        if args.debug:
            print(f"{seed} {outcome.kind} {outcome.name} {time.monotonic() - start:.1f} s", flush=True)
        total[outcome.kind] += 1
        total["rows"] += outcome.rows
        total["inside"] += outcome.inside
        total["near"] += outcome.near
        if outcome.kind not in ("same", "unfit"):
            print(outcome.seed, outcome.kind, outcome.name, "|", outcome.text, flush=True)
    print(dict(total))


if __name__ == "__main__":
    main()
