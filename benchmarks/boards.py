"""What was shown of boards, on the virtual one: drivers by check, bad days, doctor, a flash from nothing.

python benchmarks/boards.py drivers|days|doctor|flash
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from midge import flash
from midge.virtual import VirtualBoard

TESTS = Path(__file__).resolve().parents[1] / "tests"
DRIVERS = ("device/test_drivers.py",)
# Bad days that are tested where the part is.
ELSEWHERE = (
    "test_record_on_board.py::test_power_cut_in_mid_recording_keeps_what_came",
    "test_record.py::test_a_full_disk_keeps_whole_rows_and_says_one_line",
    "test_record.py::test_a_full_disk_ends_the_stream_and_keeps_the_take",
    "test_record.py::test_an_interrupt_at_any_moment_leaves_a_recording_that_adds_up",
    "test_record.py::test_a_lost_line_keeps_what_came",
    "device/test_pipeline.py::test_a_full_flash_at_boot_leaves_the_confirmed_model",
    "device/test_pipeline.py::test_a_power_cut_anywhere_in_a_push_leaves_the_old_or_the_new",
    "device/test_pipeline.py::test_a_module_larger_than_the_ram_is_refused_at_commit",
)


class _Outcomes:
    """A pytest plugin: the outcome of every test, and what `record_property("said", …)` kept of it."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.said: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome
        if report.when == "teardown":
            self.said[report.nodeid] = [str(text) for name, text in report.user_properties if name == "said"]


def _run(tests: list[str]) -> _Outcomes:
    found = _Outcomes()
    there = [str(TESTS / test) for test in tests if (TESTS / test.split("::")[0]).is_file()]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-m", "", *there], plugins=[found])
    return found


def _words(node: str) -> tuple[str, str]:
    """(the test's name in words, its parameters)."""
    name = node.rsplit("::", maxsplit=1)[-1]
    function, _, parameters = name.partition("[")
    return function.removeprefix("test_").replace("_", " "), parameters.removesuffix("]")


def _print(rows: list[list[str]]) -> None:
    for number, cells in enumerate(rows):
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|" + " --- |" * len(cells))


def drivers() -> int:
    """Driver x check: how many tests passed of how many."""
    from midge_device import drivers as known

    names = sorted(known.CHIPS)
    table: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for node, outcome in _run(list(DRIVERS)).outcomes.items():
        check, parameters = _words(node)
        for name in set(parameters.split("-")) & set(names):
            table[check][name].append(outcome == "passed")
    rows = [["check", *names]]
    for check, by_name in table.items():
        cells = [by_name.get(name) for name in names]
        rows.append([check, *("" if c is None else f"{sum(c)}/{len(c)}" for c in cells)])
    _print(rows)
    return 0 if all(all(c) for by_name in table.values() for c in by_name.values()) else 1


def days() -> int:
    """Bad day x what was said."""
    found = _run(["bad_days", *ELSEWHERE])
    # The same day told with the same words, again and again, is one row.
    passed: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for node, outcome in found.outcomes.items():
        day, parameters = _words(node)
        said = " // ".join(found.said.get(node, ()))
        is_named = parameters and (said or not parameters.replace("-", "").isalnum())
        passed[f"{day} ({parameters})" if is_named else day, said].append(outcome == "passed")
    rows = [["bad day", "passed", "what was said"]]
    rows += [[day, f"{sum(c)}/{len(c)}", said.replace("|", "\\|")] for (day, said), c in passed.items()]
    _print(rows)
    return 0 if all(all(c) for c in passed.values()) else 1


def doctor() -> int:
    """Doctor's output for three boards."""
    for title, options in (
        ("a healthy board", {}),
        ("a firmware without native loading", {"native": False}),
        ("a missing sensor", {"sensor": False}),
    ):
        print(f"--- {title}", flush=True)
        with VirtualBoard(**options) as board:  # type: ignore[arg-type]
            flash.flash("gesture", board.tty)
            subprocess.run([sys.executable, "-m", "midge", "doctor", board.tty], check=False)
    return 0


def first_and_second_flash() -> int:
    """A flash of a stock board, and the same again."""
    with VirtualBoard() as board:
        for title in ("from nothing", "again"):
            started = time.monotonic()
            done = flash.flash("gesture", board.tty)
            taken_s = time.monotonic() - started
            print(
                f"{title}: {len(done.sent)} files, {done.sent_bytes} bytes written, "
                f"{len(done.unchanged)} unchanged, {taken_s:.1f} s"
            )
    return 0


COMMANDS = {"drivers": drivers, "days": days, "doctor": doctor, "flash": first_and_second_flash}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=COMMANDS)
    sys.exit(COMMANDS[parser.parse_args().what]())
