"""The emulator: figures that are known by hand, and modules that no board may run are refused."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midge import targets
from midge.compile import link_kernels, module_glue, mpy, toolchain
from midge.compile.emulate import Emulator
from midge.compile.toolchain import Module
from midge.errors import CompileError, LinkError, ModelError, TargetMismatch
from midge.targets import Target

THUMB = ("armv6m", "armv7m", "armv7emsp", "armv7emdp")


def _build(sources: dict[str, str], target: Target) -> Module:
    return toolchain.build_module(sources, target, name="toy", exports=module_glue.MODEL)


# What is right.


def test_every_target_answers_as_the_oracle(
    toy: ModuleType, toy_module: Callable[..., Module], target_name: str
) -> None:
    module = toy_module(target_name)
    board = Emulator(module.mpy, targets.get(target_name), module.symbols)
    rows = np.random.default_rng(1).integers(-32768, 32768, (40, 3))
    rows[:4] = [[0, 0, 0], [32767] * 3, [-32768] * 3, [32767, -32768, 32767]]
    for row in rows.tolist():
        winner, scores = board.classify(row)
        assert (winner, scores.tolist()) == toy.classify(row)


def test_stream_gives_the_windows_of_the_oracle(
    toy: ModuleType, toy_module: Callable[..., Module], target_name: str
) -> None:
    module = toy_module(target_name)
    board = Emulator(module.mpy, targets.get(target_name))
    samples = np.random.default_rng(2).integers(-32768, 32768, (33, 2)).astype(np.int16)
    state, done, windows = board.state(), 0, []
    while done < len(samples):
        done += board.push(state, samples, done, min(done + 3, len(samples)))
        if board.ready(state):
            expected = toy.features(samples[done - toy.WINDOW : done])
            assert board.features(state).tolist() == expected
            winner, scores = board.predict(state)
            assert (winner, scores.tolist()) == toy.classify(expected)
            windows.append(done)
    assert windows == list(range(toy.WINDOW, 34, toy.HOP))


def test_one_armv6m_module_runs_on_every_thumb_target(
    toy: ModuleType, toy_module: Callable[..., Module]
) -> None:
    module = toy_module("armv6m")
    for name in THUMB:
        board = Emulator(module.mpy, targets.get(name))
        winner, scores = board.classify([5, -6, 7])
        assert (winner, scores.tolist()) == toy.classify([5, -6, 7])


def test_constants_and_info(toy_module: Callable[..., Module], target_name: str) -> None:
    board = Emulator(toy_module(target_name).mpy, targets.get(target_name))
    constants = {name: value for name, value in board.globals.items() if isinstance(value, int)}
    assert constants == {"ABI": 1, "STATE_BYTES": 32, "N_FEATURES": 3, "N_SCORES": 4}
    assert board.info() == {"name": "toy", "labels": ["a", "b", "c", "d"]}


def test_float_functions_are_there(target_name: str, toy: ModuleType) -> None:
    """What float models call: the headers are ours, most functions come with the compiler."""
    sources = toy.with_classify(
        "float x = features[0] / 1024.0f; scores[0] = (int16_t)(1000.0f * tanhf(x)); "
        "scores[1] = (int16_t)(100.0f * logf(1.0f + fabsf(x))); "
        "scores[2] = (int16_t)(100.0f * expf(-x * x)); "
        'scores[3] = (int16_t)lroundf_(sqrt(fabs(x)) * 100.0); printf("%d", 1); return abs(features[1]);',
    )
    headers = "#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    rounding = "static long lroundf_(double x) { return (long)floor(x + 0.5); }\n"
    sources["model.c"] = headers + rounding + sources["model.c"]
    board = Emulator(_build(sources, targets.get(target_name)).mpy, targets.get(target_name))
    for value in (-32768, -3000, -1024, -1, 0, 1, 700, 2048, 32767):
        winner, scores = board.classify([value, -7, 0])
        x = value / 1024
        exact = [1000 * np.tanh(x), 100 * np.log1p(abs(x)), 100 * np.exp(-x * x), 100 * abs(x) ** 0.5]
        assert winner == 7
        assert np.abs(scores - np.array(exact)).max() <= 1.001


# Counting.


@pytest.mark.parametrize("name", THUMB)
def test_instructions_and_stack_are_exact(name: str, toy: ModuleType) -> None:
    lines = """
    push {r4, lr}
    sub sp, #24
    movs r2, #10
1:  str r2, [sp, #0]
    subs r2, #1
    bne 1b
    movs r0, #3
    add sp, #24
    pop {r4, pc}
"""
    module = _build(toy.with_assembly(lines), targets.get(name))
    board = Emulator(module.mpy, targets.get(name), module.symbols)
    measured = board.measure([[1, 2, 3], [4, 5, 6]])
    assert measured.calls == 2
    assert measured.instructions_mean == measured.instructions_max == 3 + 3 * 10 + 3
    assert measured.stack_bytes == 8 + 24


@pytest.mark.parametrize("name", THUMB[1:])
def test_accesses_in_it_blocks_leave_no_trace(name: str, toy: ModuleType) -> None:
    """A load in an IT block at the end of a block: the next instructions must not become conditional."""
    lines = """
    movs r2, #0
    movs r3, #1
    cmp r3, #2
    ite eq
    ldrheq r2, [r0]
    ldrhne r2, [r0, #2]
    b 1f
1:  movs r0, #7
    movs r3, #9
    adds r0, r2
    bx lr
"""
    module = _build(toy.with_assembly(lines), targets.get(name))
    board = Emulator(module.mpy, targets.get(name), module.symbols)
    assert board.classify([100, 20, 0])[0] == 27
    assert board.measure([[100, 20, 0]]).instructions_max == 11


def test_each_part_of_a_stream_is_counted_on_its_own(
    toy_module: Callable[..., Module], target_name: str
) -> None:
    module = toy_module(target_name)
    board = Emulator(module.mpy, targets.get(target_name), module.symbols)
    costs = board.measure_stream(np.zeros((20, 2), np.int16), block_samples=2)
    assert costs["push"].calls == 10
    assert costs["features"].calls == costs["classify"].calls == 9
    assert costs["features"].instructions_mean == costs["features"].instructions_max > 30
    assert costs["push"].instructions_mean < costs["push"].instructions_max
    again = Emulator(module.mpy, targets.get(target_name), module.symbols)
    assert again.measure_stream(np.zeros((20, 2), np.int16), block_samples=2) == costs


def test_counting_may_start_late(toy_module: Callable[..., Module], target_name: str) -> None:
    module = toy_module(target_name)
    fresh = Emulator(module.mpy, targets.get(target_name), module.symbols)
    used = Emulator(module.mpy, targets.get(target_name), module.symbols)
    for row in ([1, 2, 3], [32767, 0, -1]):
        used.classify(row)
    assert used.measure([[1, 2, 3]]) == fresh.measure([[1, 2, 3]])


def test_counting_needs_symbols(toy_module: Callable[..., Module]) -> None:
    board = Emulator(toy_module("armv6m").mpy, targets.get("armv6m"))
    with pytest.raises(CompileError, match="symbols"):
        board.measure([[1, 2, 3]])


def test_failed_call_leaves_the_next_one_right(toy: ModuleType, toy_module: Callable[..., Module]) -> None:
    module = toy_module("armv7m")
    board = Emulator(module.mpy, targets.get("armv7m"), module.symbols)
    before = board.measure([[1, 2, 3]])
    for _ in range(3):
        with pytest.raises(ValueError, match="not initialised"):
            board.call("push", bytearray(32), array("h", [1, 2]))
    assert board.measure([[1, 2, 3]]) == before


# What is refused.


@pytest.mark.parametrize("name", [*THUMB, "rv32imc"])
@pytest.mark.parametrize(
    "planted",
    [
        "return *(volatile int32_t *)((uintptr_t)features + 2);",
        "*(volatile int32_t *)((uintptr_t)scores + 2) = 1; return 0;",
        "return *(volatile int16_t *)((uintptr_t)features + 1);",
    ],
)
def test_unaligned_access_is_refused(name: str, planted: str, toy: ModuleType) -> None:
    module = _build(toy.with_classify(planted), targets.get(name))
    board = Emulator(module.mpy, targets.get(name))
    with pytest.raises(ModelError, match="not aligned"):
        board.classify([1, 2, 3])


@pytest.mark.parametrize(
    "planted", ["return features[3];", "scores[4] = 1; return 0;", "scores[-1] = 1; return 0;"]
)
def test_access_outside_the_buffers_is_refused(planted: str, target_name: str, toy: ModuleType) -> None:
    module = _build(toy.with_classify(planted), targets.get(target_name))
    board = Emulator(module.mpy, targets.get(target_name))
    with pytest.raises(ModelError, match="outside the buffers"):
        board.classify([1, 2, 3])


def test_wild_pointer_and_endless_loop_are_refused(target_name: str, toy: ModuleType) -> None:
    wild = _build(toy.with_classify("return *(volatile int32_t *)0x70000000u;"), targets.get(target_name))
    with pytest.raises(ModelError, match="crashed"):
        Emulator(wild.mpy, targets.get(target_name)).classify([1, 2, 3])


def test_endless_loop_is_stopped(toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midge.compile.emulate_watch.RUNAWAY_INSTRUCTIONS", 10_000)
    module = _build(toy.with_classify("for (volatile int i = 0;; i++) {}"), targets.get("armv6m"))
    with pytest.raises(ModelError, match="more than 10000"):
        Emulator(module.mpy, targets.get("armv6m")).classify([1, 2, 3])


def test_firmware_refuses_what_is_for_another_core(toy_module: Callable[..., Module]) -> None:
    with pytest.raises(TargetMismatch, match="--target armv6m"):
        Emulator(toy_module("armv7m").mpy, targets.get("armv6m"))
    with pytest.raises(LinkError, match="start with 'M'"):
        Emulator(b"#!/bin/sh", targets.get("armv6m"))


def test_values_beyond_int16_are_refused(toy_module: Callable[..., Module]) -> None:
    board = Emulator(toy_module("x64").mpy, targets.get("x64"))
    for row in ([1, 2, 32768], [0.5, 0, 0], [1, 2, float("nan")]):
        with pytest.raises(ModelError, match="int16"):
            board.classify(row)


@pytest.mark.check
@settings(max_examples=100)
@given(st.data())
def test_every_byte_of_a_damaged_module_stays_in_the_cage(data: st.DataObject) -> None:
    """A damaged module ends in an error or in an answer, never in a crash of the host."""
    file = bytearray(link_kernels.build_native(targets.get("armv6m")).mpy)
    for _ in range(data.draw(st.integers(1, 20))):
        file[data.draw(st.integers(4, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        board = Emulator(bytes(file), targets.get("armv6m"))
        board.call("cobs_encode", b"\0ab\0", 4, bytearray(20))
    except (CompileError, ModelError, ValueError, TypeError, AttributeError):
        pass


def test_parse_agrees_with_what_was_built(toy_module: Callable[..., Module], target_name: str) -> None:
    module = toy_module(target_name)
    file = mpy.parse(module.mpy)
    slots = [r for r in file.relocations if r.destination == mpy.FUN_TABLE]
    assert [slot.index * file.target.word_bytes for slot in slots] == [module.symbols["mp_fun_table"]]


def test_an_interrupt_inside_the_firmware_ends_the_call(
    toy_module: Callable[..., Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = toy_module("armv6m")
    emulator = Emulator(module.mpy, targets.get("armv6m"), module.symbols)
    features = [0] * emulator.n_features

    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(emulator._firmware.entries, 65, interrupted)  # get_buffer
        with pytest.raises(KeyboardInterrupt):
            emulator.classify(features)
    assert emulator.classify(features) is not None
