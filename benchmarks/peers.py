"""midge and its peers on the same works, with the same compiler, flags and emulator, in one run.

    make peers                                  installs the peers, measures everything
    python benchmarks/peers.py --only svc-rbf --target armv6m --json costs.json

Instructions are executed ones, from entry of the C function to its return, mean over the test rows; flash
counts the libraries pulled in; 'wrong' counts answers that differ from scikit-learn's. Peers that are not
installed are quoted from published figures. Counts are deterministic: those of peers are kept in build/ and
marked when they are read back (`--afresh` counts all anew); midge itself is counted in every run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import fft
import image
import measure
import numpy as np
import numpy.typing as npt
import peer_midge
import remembered
from program import Program
from published import QUOTED as PUBLISHED
from table import MIDGE, MODULE, PEER, QUOTED, Cost, Result, Row, lines, summary, to_json
from works import WORKS, Work

from midge import targets
from midge.errors import CompileError, MidgeError
from midge.targets import Target

# package → module here that knows it
PEERS = {name: f"peer_{name}" for name in ("emlearn", "m2cgen", "micromlgen", "everywhereml", "tl2cgen")}
TARGETS = ("armv6m", "armv7emsp", "rv32imc")
PACKAGES = ("scikit-learn", "ziglang", "unicorn", *PEERS, "treelite")

READ_BACK = "read back"

Array = npt.NDArray[Any]
Judge = Callable[[measure.Run, int], Cost]
Runner = Callable[[image.Image, Target, Array], tuple[measure.Run, bool]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and print it; 0."""
    asked = _parser().parse_args(arguments)
    run_peer = counted if asked.afresh else remembered.run
    chosen = [targets.get(name) for name in asked.target or TARGETS]
    results = []
    for name in asked.only or [*WORKS, fft.NAME]:
        if name == fft.NAME:
            result = measure_fft(chosen, run_peer)
        else:
            result = measure_work(WORKS[name], chosen, asked.rows, run_peer)
        results.append(result)
        print("\n".join(lines([result], [target.name for target in chosen])), flush=True)
        if asked.json:
            asked.json.write_text(
                json.dumps(to_json(results, _versions()), indent=1) + "\n", encoding="utf-8"
            )
    print("\n".join(summary(results, [target.name for target in chosen])), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=[*WORKS, fft.NAME], help="this work; repeatable")
    parser.add_argument("--target", action="append", help=f"repeatable; {', '.join(TARGETS)} if not given")
    parser.add_argument("--rows", type=int, help="the first test rows only: a quick look, not the figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--afresh", action="store_true", help="count peers again that were counted before")
    return parser


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def counted(built: image.Image, target: Target, rows: Array) -> tuple[measure.Run, bool]:
    """As `remembered.run`, but nothing is read back."""
    return measure.run(built, target, rows), False


def measure_work(
    work: Work, chosen: Sequence[Target], n_rows: int | None = None, run_peer: Runner = counted
) -> Result:
    """All sides on one work."""
    estimator, split = work.fit()
    X_test = split.X_test[:n_rows]
    expected = np.searchsorted(estimator.classes_, estimator.predict(X_test))
    result = Result(work.name, work.title, len(X_test), work.must, work.reach)

    def judge(ran: measure.Run, flash_bytes: int) -> Cost:
        return Cost(ran.instructions, flash_bytes, int(np.sum(ran.answers != expected)))

    _note(f"{result.name}: midge")
    result.rows += _midge_rows(estimator, split.X_train, X_test, chosen, judge)
    missing = []
    for package, module in PEERS.items():
        try:
            variants = list(importlib.import_module(module).variants(estimator, split.X_train))
        except ImportError:
            missing.append(package)
            continue
        for variant in variants:
            _note(f"{work.name}: {variant.name}")
            try:
                program = variant.make()
                rows = program.encode(X_test)
            except Exception as error:  # a peer's own: whatever it says is why it has no figures
                result.rows.append(Row(PEER, variant.name, note=_first_line(error)))
                continue
            result.rows += _program_rows(Row(PEER, variant.name), program, rows, chosen, judge, run_peer)
    result.rows += _quoted_rows(work.name, missing)
    return result


def measure_fft(chosen: Sequence[Target], run_peer: Runner = counted) -> Result:
    """All sides on the FFT."""
    signals = fft.signals()
    result = Result(fft.NAME, fft.TITLE, len(signals), fft.MUST, fft.REACH, least_snr_db=fft.LEAST_SNR_DB)
    missing = []
    for package, transforms in ((peer_midge.OWN, fft.midge), *fft.TRANSFORMS.items()):
        side = MIDGE if package == peer_midge.OWN else PEER
        try:
            found = list(transforms())
        except ImportError:
            missing.append(package)
            continue
        except CompileError as error:
            result.rows.append(Row(side, package, note=_first_line(error)))
            continue
        for transform in found:
            _note(f"{result.name}: {transform.name}")

            def judge(
                ran: measure.Run, flash_bytes: int, decode: Callable[[bytes], Array] = transform.decode
            ) -> Cost:
                found = np.array([decode(memory) for memory in ran.memory])
                return Cost(ran.instructions, flash_bytes, snr_db=fft.snr_db(found, signals))

            program = transform.make()
            rows = program.encode(signals)
            runner = counted if side == MIDGE else run_peer
            result.rows += _program_rows(Row(side, transform.name), program, rows, chosen, judge, runner)
    result.rows += _quoted_rows(fft.NAME, missing)
    return result


def _midge_rows(
    estimator: Any, X: Array, X_test: Array, chosen: Sequence[Target], judge: Judge
) -> Iterator[Row]:
    """The `.mpy` that users get, and the C of every layout built as the peers' is."""
    try:
        layouts = peer_midge.layouts(estimator, X)
    except CompileError as error:
        yield Row(MIDGE, "midge", note=_first_line(error))
        return
    for layout, optimise in peer_midge.MODULES:
        if layout not in layouts:
            continue
        row = Row(MIDGE, f"midge, {layout}, {optimise}", MODULE)
        for target in chosen:
            try:
                ran = peer_midge.run_module(layouts[layout], layout, optimise, target, X_test)
                row.costs[target.name] = judge(*ran)
            except MidgeError as error:
                row.note = _first_line(error)
        yield row
    for layout, compiled in layouts.items():
        program = peer_midge.program(compiled, layout)
        yield from _program_rows(
            Row(MIDGE, f"midge, {layout}"), program, program.encode(X_test), chosen, judge
        )


def _program_rows(
    like: Row,
    program: Program,
    rows: Array,
    chosen: Sequence[Target],
    judge: Judge,
    runner: Runner = counted,
) -> Iterator[Row]:
    """One row for each optimisation level."""
    for optimise in image.OPTIMISE:
        row = Row(like.side, like.name, optimise)
        for target in chosen:
            try:
                built = image.build(program, target, optimise)
                ran, is_read_back = runner(built, target, rows)
            except MidgeError as error:
                row.note = _first_line(error)
                continue
            row.costs[target.name] = judge(ran, built.flash_bytes)
            if is_read_back:
                row.note = READ_BACK
        yield row


def _quoted_rows(name: str, missing: Sequence[str]) -> Iterator[Row]:
    """Published figures of peers that are not here: not installed, or never to be had."""
    for quoted in PUBLISHED.get(name, ()):
        if quoted.package in missing or quoted.package not in (*PEERS, *fft.TRANSFORMS):
            costs = {
                target: Cost(figure, quoted.flash_bytes.get(target))
                for target, figure in quoted.instructions.items()
            }
            note = f"quoted; wrong: {quoted.wrong}" if quoted.wrong else "quoted"
            yield Row(QUOTED, quoted.name, costs=costs, note=note)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:80] if text else 'no message'}"


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
