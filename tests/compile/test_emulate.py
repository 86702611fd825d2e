"""The emulator: figures that are known by hand, and modules that no board may run are refused."""

from __future__ import annotations

import dataclasses
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


def _with_classify(toy: ModuleType, body: str) -> dict[str, str]:
    """A classifier alone, with another body."""
    sources: dict[str, str] = toy.sources(frontend=False)
    sources["model.c"] = (
        '#include "midge_model.h"\n'
        "int32_t midge_classify(const int16_t *features, int16_t *scores)\n"
        f"{{\n    (void)features;\n    (void)scores;\n    {body}\n}}\n"
    )
    return sources


def _with_assembly(toy: ModuleType, lines: str) -> dict[str, str]:
    sources: dict[str, str] = toy.sources(frontend=False)
    del sources["model.c"]
    head = """
    .syntax unified
    .thumb
    .section .text.midge_classify, "ax"
    .globl midge_classify
    .hidden midge_classify
    .type midge_classify, %function
    .thumb_func
midge_classify:
"""
    sources["model.S"] = head + lines + "    .size midge_classify, . - midge_classify\n"
    return sources


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
    sources = _with_classify(
        toy,
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
    module = _build(_with_assembly(toy, lines), targets.get(name))
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
    module = _build(_with_assembly(toy, lines), targets.get(name))
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
    module = _build(_with_classify(toy, planted), targets.get(name))
    board = Emulator(module.mpy, targets.get(name))
    with pytest.raises(ModelError, match="not aligned"):
        board.classify([1, 2, 3])


@pytest.mark.parametrize(
    "planted", ["return features[3];", "scores[4] = 1; return 0;", "scores[-1] = 1; return 0;"]
)
def test_access_outside_the_buffers_is_refused(planted: str, target_name: str, toy: ModuleType) -> None:
    module = _build(_with_classify(toy, planted), targets.get(target_name))
    board = Emulator(module.mpy, targets.get(target_name))
    with pytest.raises(ModelError, match="outside the buffers"):
        board.classify([1, 2, 3])


def test_wild_pointer_and_endless_loop_are_refused(target_name: str, toy: ModuleType) -> None:
    wild = _build(_with_classify(toy, "return *(volatile int32_t *)0x70000000u;"), targets.get(target_name))
    with pytest.raises(ModelError, match="crashed"):
        Emulator(wild.mpy, targets.get(target_name)).classify([1, 2, 3])


def test_endless_loop_is_stopped(toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midge.compile.emulate_watch.RUNAWAY_INSTRUCTIONS", 10_000)
    module = _build(_with_classify(toy, "for (volatile int i = 0;; i++) {}"), targets.get("armv6m"))
    with pytest.raises(ModelError, match="more than 10000"):
        Emulator(module.mpy, targets.get("armv6m")).classify([1, 2, 3])


# Instructions that a lesser core does not have, as an assembler for a greater one encodes them.
PLANTED = [
    ("armv6m", ".inst.n 0xb100"),  # cbz r0
    ("armv6m", ".inst.n 0xbf08"),  # it eq
    ("armv6m", ".inst.w 0xf2412034"),  # movw r0, #0x1234
    ("armv6m", ".inst.w 0xfbb0f0f1"),  # udiv r0, r0, r1
    ("armv6m", ".inst.w 0xf7ffbff7"),  # b.w
    ("armv6m", ".inst.w 0xf8d00004"),  # ldr.w r0, [r0, #4]
    ("armv7m", ".inst.w 0xfb202001"),  # smlad r0, r0, r1, r2
    ("armv7m", ".inst.w 0xfa2ff080"),  # sxtb16 r0, r0
    ("armv7m", ".inst.w 0xfa00f081"),  # sxtah r0, r0, r1
    ("armv7m", ".inst.w 0xfa81f080"),  # qadd r0, r0, r1
    ("armv7m", ".inst.w 0xfa80f041"),  # uadd8 r0, r0, r1
    ("armv7m", ".inst.w 0xfaa0f081"),  # sel r0, r0, r1
    ("armv7m", ".inst.w 0xfb70f001"),  # usad8 r0, r0, r1
    ("armv7m", ".inst.w 0xeac00001"),  # pkhbt r0, r0, r1
    ("armv7m", ".inst.w 0xfb102001"),  # smlabb r0, r0, r1, r2
    ("armv7m", ".inst.w 0xfb50f001"),  # smmul r0, r0, r1
    ("armv7m", ".inst.w 0xfbc201c3"),  # smlald r0, r1, r2, r3
    ("armv7m", ".inst.w 0xfbe20163"),  # umaal r0, r1, r2, r3
    ("armv7m", ".inst.w 0xf3200003"),  # ssat16 r0, #4, r0
    ("armv7m", ".inst.w 0xf3a00004"),  # usat16 r0, #4, r0
    ("armv7m", ".inst.w 0xee300a20"),  # vadd.f32 s0, s0, s1
    ("armv7m", ".inst.w 0xed900a00"),  # vldr s0, [r0]
    ("armv7m", ".inst.w 0xee100a10"),  # vmov r0, s0
    ("armv7emsp", ".inst.w 0xee300b01"),  # vadd.f64 d0, d0, d1
    ("armv7emsp", ".inst.w 0xfe800a20"),  # vmaxnm.f32 s0, s0, s1
    ("rv32imc", ".insn 4, 0x60051513"),  # clz a0, a0
    ("rv32imc", ".insn 4, 0x60355513"),  # rori a0, a0, 3
    ("rv32imc", ".insn 4, 0x40b57533"),  # andn a0, a0, a1
    ("rv32imc", ".insn 4, 0x00b57553"),  # fadd.s fa0, fa0, fa1
    ("rv32imc", ".insn 2, 0x6108"),  # c.flw fa0, 0(a0)
    ("rv32imc", ".insn 2, 0x2502"),  # c.fldsp fa0, 0(sp)
    ("rv32imc", ".insn 4, 0x00b6252f"),  # amoadd.w a0, a1, (a2)
    ("rv32imc", ".insn 4, 0xb0002573"),  # csrr a0, mcycle
]


@pytest.mark.parametrize(("name", "text"), PLANTED)
def test_instruction_outside_the_set_is_refused_at_build_time(name: str, text: str, toy: ModuleType) -> None:
    # Never executed: the scan of the code has to see it.
    body = f'if (features == scores) {{ __asm__ volatile("{text}"); }} return 0;'
    with pytest.raises(LinkError, match=f"{text.split('0x')[1]} .* not one of {name}"):
        _build(_with_classify(toy, body), targets.get(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("armv6m", "rev r0, r0; sxtb r0, r0; nop; dmb; mrs r1, primask; push {r1}; pop {r1}; bl 1f; 1:"),
        (
            "armv7m",
            "sxtb r0, r0; rev r0, r0; ssat r0, #16, r0; usat r0, #8, r0, asr #3; rbit r0, r0; clz r0, r0",
        ),
        (
            "armv7m",
            "sxtb.w r8, r0; uxth.w r8, r8; rev.w r8, r8; lsl.w r8, r8, r0; mls r0, r0, r1, r2",
        ),
        (
            "armv7m",
            "smull r0, r1, r2, r3; umlal r0, r1, r2, r3; sdiv r0, r0, r1; tbb [pc, r0]; bfi r0, r1, #2, #3",
        ),
        (
            "armv7emsp",
            "smlad r0, r0, r1, r2; vfma.f32 s0, s1, s2; vldr d0, [r0]; vmov r0, r1, d0; vpush {d8}",
        ),
        ("armv7emdp", "vadd.f64 d0, d0, d1; vmaxnm.f32 s0, s0, s1; vcvt.f32.f64 s0, d0"),
        (
            "rv32imc",
            "mulh a0, a0, a1; remu a0, a0, a1; sltiu a0, a1, 1; srai a0, a0, 3; fence; sub a0, a0, a1",
        ),
    ],
)
def test_instructions_of_the_set_are_let_pass(name: str, text: str, toy: ModuleType) -> None:
    body = f'if (features == scores) {{ __asm__ volatile("{text}"); }} return 0;'
    assert _build(_with_classify(toy, body), targets.get(name)).mpy


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("armv6m", ".inst.w 0xf2412034"),  # movw
        ("armv7m", ".inst.w 0xfb202001"),  # smlad
        ("rv32imc", ".insn 4, 0x00b57553"),  # fadd.s
    ],
)
def test_instruction_outside_the_set_is_refused_when_it_runs(name: str, text: str, toy: ModuleType) -> None:
    unchecked = dataclasses.replace(targets.get(name), instruction_set="")
    module = _build(_with_classify(toy, f'__asm__ volatile("{text}"); return 0;'), unchecked)
    with pytest.raises(ModelError, match=f"not one of {name}"):
        Emulator(module.mpy, targets.get(name)).classify([1, 2, 3])


def test_data_in_code_is_no_instruction(toy: ModuleType) -> None:
    body = (
        "static const int32_t big[] = {0x12345678, (int32_t)0xF7FFA000, (int32_t)0xFB10F0F1}; "
        "return big[scores[0] & 1] + (int32_t)0xEE302B81 * features[0];"
    )
    module = _build(_with_classify(toy, body), targets.get("armv6m"))
    assert (0xEE302B81).to_bytes(4, "little") in module.mpy
    assert Emulator(module.mpy, targets.get("armv6m")).classify([0, 0, 0])[0] == 0x12345678


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
