"""Do the tests notice mistakes in host/midge/compile? Mistakes are made one at a time, and the tests are run.

A sample of all small mistakes (`mutations.py`), the same for the same files and seed. Each is made in memory,
in a forked child that has not imported midge yet, and only tests that execute its line are run, the quickest
first, until one fails. The run goes on where it was interrupted; what is of a changed file is run anew.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import covering
import mutations
from mutations import Mutation

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "mutants"
PART = Path("host/midge/compile")
TESTS = (
    *("tests/compile", "tests/families", "tests/native", "tests/test_compile_api.py", "tests/test_build.py"),
    *("tests/test_model_file.py", "tests/test_features.py", "tests/test_features_sound.py"),
)
# Tables: a changed number is a typing error that only the same table, typed again, would show.
TABLES = {
    "kinds.py": "which file knows which kind",
    "instruction.py": "a record",
    "link_script.py": "one text for the linker",
    "opcodes.py": "encodings from the manuals",
    "opcodes_xtensa.py": "encodings from the manuals",
}
# What decides whether something is compiled at all is tried with nothing compiled yet.
FRESH = ("cache.py", "toolchain.py", "native_sources.py", "kernels.py")
# Tests of one mistake: at most so much of their usual time. What they don't notice counts as not noticed.
MOST_TEST_S = 40.0
# A mistake that fills the memory is noticed.
MOST_MEMORY_BYTES = 3 << 30


@dataclass(frozen=True)
class Mutant:
    """A mutation of a file, and the tests that execute it."""

    file: str
    key: str
    mutation: Mutation
    tests: tuple[str, ...]
    usual_s: float


def mutants(tree: Path, covered: dict[str, Any], share: float, seed: int) -> Iterator[Mutant]:
    """A sample of the mistakes of each file, the same whatever the other files say."""
    for path in sorted((tree / PART).glob("*.py")):
        if path.name in TABLES:
            continue
        source = path.read_text(encoding="utf-8")
        key = hashlib.sha256(source.encode()).hexdigest()[:12]
        found = mutations.find(source)
        chosen = random.Random(f"{seed} {path.name}").sample(found, round(share * len(found) + 0.5))
        inside = _function_lines(found)
        for mutation in sorted(chosen, key=lambda one: one.number):
            lines = set(range(mutation.first_line, mutation.last_line + 1))
            yield Mutant(
                path.name,
                f"{path.name} {key} {mutation.number}",
                mutation,
                *_tests(
                    covered,
                    path.name,
                    lines if mutation.is_in_function else inside,
                    () if mutation.is_in_function else _naming(tree, covered, path.stem),
                ),
            )


def _function_lines(found: Sequence[Mutation]) -> set[int]:
    return {line for one in found if one.is_in_function for line in range(one.first_line, one.last_line + 1)}


def _naming(tree: Path, covered: dict[str, Any], module: str) -> set[str]:
    """Tests of files that name a module: they may read its tables without running any of its functions."""
    files = {test.partition("::")[0] for test in covered}
    naming = {file for file in files if module in (tree / file).read_text(encoding="utf-8")}
    return {test for test in covered if test.partition("::")[0] in naming}


def _tests(
    covered: dict[str, Any], file: str, lines: set[int], named_in: Container[str]
) -> tuple[tuple[str, ...], float]:
    """Tests that execute one of `lines` or are in `named_in`, the quickest first, as time allows."""
    there = [
        (seconds, test)
        for test, (seconds, by_file) in covered.items()
        if test in named_in or lines.intersection(by_file.get(file, ()))
    ]
    chosen: list[str] = []
    total_s = 0.0
    for seconds, test in sorted(there):
        if chosen and total_s + seconds > MOST_TEST_S:
            break
        chosen.append(test)
        total_s += seconds
    return tuple(chosen), total_s


# ---- in a child


def _in_child(tree: Path, work: Callable[[], int], output: Path) -> int:
    """Process id of a child that does `work` in the copy of the tree."""
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        os.setsid()
        with output.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(tree)
        sys.path[:0] = [str(tree / "host"), str(tree / "firmware")]
        status = work()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _run_tests(tests: Sequence[str], plugins: Sequence[object] = (), *options: str) -> int:
    import pytest

    return int(pytest.main(["-q", "-p", "no:cacheprovider", *options, *tests], plugins))


def _look_on(tree: Path, tests: Sequence[str], result: Path) -> int:
    plugin = covering.Covering(tree / PART)
    status = _run_tests(tests, [plugin], "--durations=40")
    found = json.loads(result.read_text()) if result.exists() else {}
    found |= {
        test: (plugin.seconds[test], {Path(name).name: sorted(lines) for name, lines in files.items()})
        for test, files in plugin.lines().items()
    }
    if not status:
        result.write_text(json.dumps(found))
    return status


def _with_mutant(tree: Path, mutant: Mutant, fresh: Path) -> int:
    if mutant.file in FRESH:
        fresh.mkdir()
        (fresh / "zig").symlink_to(Path(os.environ["MIDGE_CACHE"]) / "zig", target_is_directory=True)
        os.environ["MIDGE_CACHE"] = str(fresh)
    path = tree / PART / mutant.file
    changed = compile(mutations.apply(path.read_text("utf-8"), mutant.mutation.number), str(path), "exec")
    from importlib.machinery import SourceFileLoader

    usual = SourceFileLoader.get_code

    def get_code(loader: Any, name: str) -> Any:
        return changed if loader.get_filename(name) == str(path) else usual(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    return _run_tests(mutant.tests, (), "-x")


def _warm() -> None:
    """Import what takes long and is not midge, once for all children."""
    for name in (
        *("hypothesis", "pytest", "scipy.signal", "unicorn", "elftools.elf.elffile", "joblib"),
        *("sklearn.ensemble", "sklearn.neural_network", "sklearn.pipeline", "sklearn.svm", "sklearn.mixture"),
        *("sklearn.naive_bayes", "sklearn.neighbors", "sklearn.covariance", "sklearn.feature_selection"),
    ):
        importlib.import_module(name)

    assert not any(name.split(".")[0] == "midge" for name in sys.modules)


# ---- all of them


def run_all(
    tree: Path, todo: Sequence[Mutant], jobs: int, keep: Callable[[Mutant, str, float], None]
) -> None:
    """Try each mutant, `jobs` at a time."""
    waiting = list(todo)
    running: dict[int, tuple[Mutant, float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < jobs:
                mutant = waiting.pop(0)
                if not mutant.tests:
                    keep(mutant, "no test", 0.0)
                    continue
                fresh = Path(folder, f"cache {len(waiting)}")
                process = _in_child(
                    tree,
                    lambda m=mutant, f=fresh: _with_mutant(tree, m, f),
                    KEPT / f"out-{len(waiting) % jobs}.txt",
                )
                now = time.monotonic()
                running[process] = (mutant, now, now + 60 + 6 * mutant.usual_s)
            done, status = os.waitpid(-1, os.WNOHANG)
            for process, (mutant, start, until) in list(running.items()):
                if process == done:
                    del running[process]
                    code = os.waitstatus_to_exitcode(status)
                    keep(mutant, _verdict(code), time.monotonic() - start)
                elif time.monotonic() > until or _memory_bytes(process) > MOST_MEMORY_BYTES:
                    os.killpg(process, signal.SIGKILL)
                    os.waitpid(process, 0)
                    del running[process]
                    keep(mutant, "timeout", time.monotonic() - start)
            if not done:
                time.sleep(0.02)


def _memory_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def _verdict(code: int) -> str:
    # 0: all passed; 1: one failed; 2 to 4: the tests could not even be imported; -n: died of a signal.
    if code == 5:
        raise SystemExit("a test that was there is gone: begin anew with --fresh")
    return "survived" if code == 0 else "killed"


def _copy(tree: Path) -> None:
    """The committed tree, whatever is being edited beside it."""
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=0.06, help="of each file's mistakes (default 0.06)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--file", action="append", help="this one only; repeatable")
    parser.add_argument(
        "--tests",
        action="append",
        help="look at these only when it begins: of what they do not import nothing is said; repeatable",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget what is known; look at the newest commit"
    )
    parser.add_argument(
        "--update", action="append", help="file that is new, or has changed, since --fresh; repeatable"
    )
    parser.add_argument("--again", action="store_true", help="survivors once more")
    parser.add_argument("--report", action="store_true", help="print what is known and run nothing")
    args = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["MIDGE_CACHE"] = str(KEPT / "cache")
    tree, known, results = KEPT / "tree", KEPT / "covering.json", KEPT / "results.jsonl"
    if args.fresh:
        for path in (tree, known):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if not tree.exists():
        _copy(tree)
    (KEPT / "cache").mkdir(exist_ok=True)
    _warm()
    for path in args.update or ():
        (tree / path).write_bytes((ROOT / path).read_bytes())
    new = [path for path in args.update or () if Path(path).name.startswith("test_")]
    if new or not known.exists():
        print("running the tests once, to see which lines they execute …", flush=True)
        tests = new if known.exists() else args.tests or TESTS
        process = _in_child(tree, lambda: _look_on(tree, tests, known), KEPT / "covering.txt")
        if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
            raise SystemExit(f"the tests fail without any mistake: {KEPT / 'covering.txt'}")
    there = list(mutants(tree, json.loads(known.read_text()), args.share, args.seed))
    found = _read(results)
    wanted = [one for one in there if not args.file or one.file in args.file]
    todo = [
        one
        for one in wanted
        if one.key not in found or (args.again and found[one.key]["is"] in ("survived", "no test"))
    ]
    if args.report:
        todo = []
    # In any order: so that an interrupted run says something about all files.
    random.Random(args.seed).shuffle(todo)
    start, n_done = time.monotonic(), 0

    def keep(mutant: Mutant, verdict: str, seconds: float) -> None:
        nonlocal n_done
        n_done += 1
        found[mutant.key] = {"of": mutant.key, "is": verdict, "seconds": round(seconds, 1)} | asdict(
            mutant.mutation
        )
        with results.open("a") as file:
            file.write(json.dumps(found[mutant.key]) + "\n")
        if verdict not in ("killed", "timeout") or n_done % 25 == 0:
            left_s = (time.monotonic() - start) / n_done * (len(todo) - n_done)
            where = f"{mutant.file}:{mutant.mutation.first_line}"
            print(
                f"{n_done}/{len(todo)} {left_s / 60:.0f} min  {verdict}: {where} {mutant.mutation.text}",
                flush=True,
            )

    with contextlib.suppress(KeyboardInterrupt):
        run_all(tree, todo, args.jobs, keep)
    return _report([one for one in wanted if one.key in found], found, len(wanted))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    lines = path.read_text().splitlines() if path.exists() else []
    entries: list[dict[str, Any]] = [json.loads(line) for line in lines if line.endswith("}")]
    return {entry["of"]: entry for entry in entries}


def _report(tried: Sequence[Mutant], found: dict[str, dict[str, Any]], n_wanted: int) -> int:
    by_file: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for mutant in tried:
        by_file[mutant.file][found[mutant.key]["is"]] += 1
    for mutant in tried:
        if found[mutant.key]["is"] in ("survived", "no test"):
            one = mutant.mutation
            print(f"{found[mutant.key]['is']:9} {mutant.file}:{one.first_line} {one.kind}: {one.text}")
    names = ("killed", "timeout", "survived", "no test")
    print(f"\n{'file':26}" + "".join(f"{name:>10}" for name in names))
    for file, counts in sorted(by_file.items()):
        print(f"{file:26}" + "".join(f"{counts[name]:10}" for name in names))
    total = sum(by_file.values(), collections.Counter())
    print(f"{'all':26}" + "".join(f"{total[name]:10}" for name in names))
    noticed = total["killed"] + total["timeout"]
    print(
        f"noticed: {noticed} of {len(tried)}, {noticed / max(1, len(tried)):.1%}; "
        f"{n_wanted - len(tried)} not tried"
    )
    for name, why in TABLES.items():
        print(f"left out: {name} ({why})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
