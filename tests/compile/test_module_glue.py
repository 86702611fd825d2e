"""Module ABI 1: the same calls, emulated on every target and in a real MicroPython, give the same answers."""

from __future__ import annotations

import ast
import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from midge import targets
from midge.compile import module_glue
from midge.compile.emulate import Emulator
from midge.compile.toolchain import Module
from midge.virtual import interpreter

# Buffers that the calls below use, made anew for every list of calls.
_BUFFERS = """
state = bytearray(32)
longer = bytearray(40)
block = array('h', [100, -200, 300, 400, -32768, 32767, 7, 8, 9, 10, 11, 12])
features = array('h', [0] * 3)
scores = array('h', [0] * 4)
"""

_GOOD_CALLS = [
    "m.ABI",
    "m.STATE_BYTES",
    "m.N_FEATURES",
    "m.N_SCORES",
    "m.info()",
    "m.init(state)",
    "m.ready(state)",
    "m.push(state, block, 0, 0)",
    "m.push(state, block, 6)",
    "m.push(state, block, 1, 3)",
    "m.ready(state)",
    "m.push(state, block)",
    "m.ready(state)",
    "m.features(state, features)",
    "list(features)",
    "m.classify(features, scores)",
    "list(scores)",
    "m.predict(state, scores)",
    "list(scores)",
    "m.push(state, block, 2)",
    "m.ready(state)",
    "m.predict(state, scores)",
    "list(scores)",
    "m.push(state, memoryview(block)[2:6])",
    "m.features(state, features)",
    "list(features)",
    "m.init(memoryview(longer)[8:])",
    "m.init(longer)",
    "m.init(state)",
    "m.ready(state)",
    "bytes(state[:8])",
]

_BAD_CALLS = [
    # wrong number of arguments
    "m.init()",
    "m.init(state, 1)",
    "m.push(state)",
    "m.push(state, block, 0, 1, 2)",
    "m.classify(features)",
    "m.info(1)",
    # state: type, length, alignment, contents
    "m.init(5)",
    "m.init('text')",
    "m.init(bytes(32))",
    "m.init(bytearray(31))",
    "m.init(memoryview(state)[:31])",
    "m.init(memoryview(longer)[1:])",
    "m.init(memoryview(longer)[4:])",
    "m.push(longer, block)",
    "m.ready(longer)",
    "m.features(longer, features)",
    "m.predict(longer, scores)",
    # block
    "m.init(state)",
    "m.push(state, None)",
    "m.push(state, bytearray(8))",
    "m.push(state, array('H', [1, 2]))",
    "m.push(state, array('i', [1, 2]))",
    "m.push(state, array('f', [1, 2]))",
    "m.push(state, array('h', [1, 2, 3]))",
    "m.push(state, block, -1)",
    "m.push(state, block, 7)",
    "m.push(state, block, 3, 2)",
    "m.push(state, block, 0, 7)",
    "m.push(state, block, 0, -1)",
    "m.push(state, block, 'a')",
    "m.push(state, block, 0, None)",
    # too early
    "m.features(state, features)",
    "m.predict(state, scores)",
    "m.push(state, block, 0, 4)",
    # results
    "m.features(state, scores)",
    "m.features(state, bytearray(6))",
    "m.features(state, 1)",
    "m.predict(state, features)",
    "m.predict(state, array('i', [0] * 4))",
    "m.classify(scores, scores)",
    "m.classify(features, features)",
    "m.classify(bytes(6), scores)",
    "m.classify(features, bytes(8))",
    "m.predict(state, scores)",
]

_CLASSIFIER_CALLS = [
    "m.STATE_BYTES",
    "m.classify(features, scores)",
    "list(scores)",
    "m.init(state)",
    "m.push(state, block)",
    "m.ready(state)",
    "m.features(state, features)",
    "m.predict(state, scores)",
]

# One line a call: its value, or the kind and the text of its exception.
_DRIVER = """
import sys
sys.path.insert(0, {folder!r})
from array import array
import {name} as m
{buffers}
for text in {calls!r}:
    try:
        said = ('=', eval(text))
    except Exception as error:
        said = (type(error).__name__, str(error))
    print(repr(said))
"""


class _Proxy:
    """Lets the same text run against an emulated board."""

    def __init__(self, board: Emulator) -> None:
        self._board = board

    def __getattr__(self, name: str) -> Any:
        value = self._board.globals[name]
        return value if isinstance(value, int) else lambda *arguments: self._board.call(name, *arguments)


def _answers_in_emulation(module: Module, target: str, calls: list[str]) -> list[tuple[str, Any]]:
    board = Emulator(module.mpy, targets.get(target), module.symbols)
    names: dict[str, Any] = {"array": array, "m": _Proxy(board)}
    exec(_BUFFERS, names)
    found: list[tuple[str, Any]] = []
    for text in calls:
        try:
            found.append(("=", eval(text, names)))
        except (ValueError, TypeError) as error:
            found.append((type(error).__name__, str(error)))
    return found


def _run_micropython(program: str) -> str:
    found = interpreter.find()
    if found is None:
        pytest.skip("no MicroPython here: python -m midge.virtual.interpreter fetches one")
    done = subprocess.run(
        [*found.command, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _answers_in_micropython(module: Module, calls: list[str], folder: Path) -> list[tuple[str, Any]]:
    (folder / "toy.mpy").write_bytes(module.mpy)
    output = _run_micropython(_DRIVER.format(folder=str(folder), name="toy", buffers=_BUFFERS, calls=calls))
    return [ast.literal_eval(line) for line in output.splitlines()]


def _is_own_text(text: object) -> bool:
    """True unless MicroPython words it, whose wording differs between builds."""
    return not str(text).startswith(("function", "can't convert"))


_EXPECTED_ERRORS = {
    "m.init()": "TypeError",
    "m.init(bytes(32))": "TypeError",
    "m.init(bytearray(31))": "ValueError",
    "m.init(memoryview(longer)[4:])": "ValueError",
    "m.push(longer, block)": "ValueError",
    "m.push(state, array('H', [1, 2]))": "TypeError",
    "m.push(state, array('h', [1, 2, 3]))": "ValueError",
    "m.push(state, block, 7)": "ValueError",
    "m.push(state, block, 'a')": "TypeError",
    "m.classify(scores, scores)": "ValueError",
}


def test_good_calls_answer_alike_on_every_target(
    toy: ModuleType, toy_module: Callable[..., Module], target_name: str
) -> None:
    answers = _answers_in_emulation(toy_module(target_name), target_name, _GOOD_CALLS)
    assert [kind for kind, _ in answers] == ["="] * len(_GOOD_CALLS)
    assert answers == _answers_in_emulation(toy_module("armv6m"), "armv6m", _GOOD_CALLS)
    found = dict(zip(_GOOD_CALLS, answers, strict=True))
    assert found["m.push(state, block, 1, 3)"] == ("=", 2)
    assert found["m.push(state, block)"] == ("=", 2)
    assert found["m.push(state, block, 2)"] == ("=", 2)


def test_bad_calls_are_refused_alike_on_every_target(
    toy_module: Callable[..., Module], target_name: str
) -> None:
    answers = _answers_in_emulation(toy_module(target_name), target_name, _BAD_CALLS)
    assert answers == _answers_in_emulation(toy_module("armv6m"), "armv6m", _BAD_CALLS)
    found = dict(zip(_BAD_CALLS, answers, strict=True))
    assert {call: found[call][0] for call in _EXPECTED_ERRORS} == _EXPECTED_ERRORS
    passed = [call for call, answer in zip(_BAD_CALLS, answers, strict=True) if answer[0] == "="]
    assert passed == ["m.init(state)", "m.push(state, block, 0, 4)", "m.predict(state, scores)"]


@pytest.mark.parametrize("calls", [_GOOD_CALLS, _BAD_CALLS], ids=["good", "bad"])
def test_micropython_answers_as_the_emulation(
    calls: list[str], toy_module: Callable[..., Module], tmp_path: Path
) -> None:
    module = toy_module("x64")
    emulated = _answers_in_emulation(module, "x64", calls)
    real = _answers_in_micropython(module, calls, tmp_path)
    for call, ours, theirs in zip(calls, emulated, real, strict=True):
        assert ours[0] == theirs[0], call
        if _is_own_text(ours[1]):
            assert ours == theirs, call


def test_without_front_end(toy_module: Callable[..., Module], target_name: str, tmp_path: Path) -> None:
    module = toy_module(target_name, frontend=False)
    answers = _answers_in_emulation(module, target_name, _CLASSIFIER_CALLS)
    assert answers[:3] == [("=", 0), ("=", 0), ("=", [77, -1203, 76, 32])]
    assert answers[3:] == [("ValueError", "no front end")] * 5
    if target_name == "x64":
        assert _answers_in_micropython(module, _CLASSIFIER_CALLS, tmp_path) == answers


_LOCKED = """
import sys
sys.path.insert(0, {folder!r})
from array import array
import micropython, toy as m
{buffers}
m.init(state)
locked = micropython.heap_lock
free = micropython.heap_unlock
def run():
    locked()
    taken = m.push(state, block, 1, 6)
    ready = m.ready(state)
    m.features(state, features)
    index = m.classify(features, scores)
    again = m.predict(state, scores)
    m.init(state)
    free()
    print(taken, ready, index == again)
run()
def kind(function, *arguments):
    caught = None
    locked()
    try:
        function(*arguments)
    except Exception as error:
        caught = type(error)
    free()
    print(caught.__name__)
kind(m.push, longer, block)
kind(m.predict, state, scores)
kind(m.init, 5)
"""


def test_calls_work_with_the_heap_locked(toy_module: Callable[..., Module], tmp_path: Path) -> None:
    (tmp_path / "toy.mpy").write_bytes(toy_module("x64").mpy)
    output = _run_micropython(_LOCKED.format(folder=str(tmp_path), buffers=_BUFFERS))
    first, *errors = output.splitlines()
    assert first == "4 True True"
    # Without memory for the message MicroPython may raise MemoryError instead, but nothing worse.
    assert len(errors) == 3
    assert set(errors) <= {"ValueError", "TypeError", "MemoryError"}


def test_module_survives_collections(toy_module: Callable[..., Module], tmp_path: Path) -> None:
    (tmp_path / "toy.mpy").write_bytes(toy_module("x64").mpy)
    output = _run_micropython(
        f"import sys, gc\nsys.path.insert(0, {str(tmp_path)!r})\nfrom array import array\nimport toy as m\n"
        "s = array('h', [0] * 4)\n"
        "for i in range(50):\n    gc.collect(); junk = [bytes(100) for _ in range(50)]\n"
        "    m.classify(array('h', [i, 0, 0]), s)\nprint(list(s), len(m.info()))\n"
    )
    assert output == "[224, -1252, 223, -17] 41\n"


def test_other_firmware_refuses_the_module(toy_module: Callable[..., Module], tmp_path: Path) -> None:
    (tmp_path / "toy.mpy").write_bytes(toy_module("armv6m").mpy)
    output = _run_micropython(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "try:\n    import toy\nexcept ValueError as error:\n    print(error)\n"
    )
    assert "incompatible .mpy" in output


def test_export_table_is_generated_from_data() -> None:
    exports = module_glue.Exports(
        constants=(module_glue.Constant("LIMIT", "7"),),
        functions=(module_glue.Function("twice", "native_twice", 1, 2),),
        headers=("own.h",),
        entries=(),
    )
    assert module_glue.qstrs("own", exports) == ("own.mpy", "ValueError", "TypeError", "LIMIT", "twice")
    assert (
        module_glue.export_table(exports)
        == """#include "mp_module.h"
#include "own.h"

static mp_obj_t export_twice(const mp_function_t *self, size_t n_args, size_t n_kw,
    const mp_obj_t *args)
{
    mp_arguments_check(n_args, n_kw, 1, 2);
    return native_twice(self, n_args, args);
}

const mp_export_t mp_exports[] = {
    {NULL, 7},
    {export_twice, 0},
};
const uint16_t mp_export_count = sizeof mp_exports / sizeof mp_exports[0];
"""
    )
