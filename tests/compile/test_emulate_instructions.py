"""Instructions that a lesser core does not have: refused when a module is built, and when it runs."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import pytest

from midge import targets
from midge.compile import module_glue, toolchain
from midge.compile.emulate import Emulator
from midge.compile.toolchain import Module
from midge.errors import LinkError, ModelError
from midge.targets import Target

THUMB = ("armv6m", "armv7m", "armv7emsp", "armv7emdp")


def _build(sources: dict[str, str], target: Target) -> Module:
    return toolchain.build_module(sources, target, name="toy", exports=module_glue.MODEL)


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
        _build(toy.with_classify(body), targets.get(name))


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
    assert _build(toy.with_classify(body), targets.get(name)).mpy


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
    module = _build(toy.with_classify(f'__asm__ volatile("{text}"); return 0;'), unchecked)
    with pytest.raises(ModelError, match=f"not one of {name}"):
        Emulator(module.mpy, targets.get(name)).classify([1, 2, 3])


def test_data_in_code_is_no_instruction(toy: ModuleType) -> None:
    body = (
        "static const int32_t big[] = {0x12345678, (int32_t)0xF7FFA000, (int32_t)0xFB10F0F1}; "
        "return big[scores[0] & 1] + (int32_t)0xEE302B81 * features[0];"
    )
    module = _build(toy.with_classify(body), targets.get("armv6m"))
    assert (0xEE302B81).to_bytes(4, "little") in module.mpy
    assert Emulator(module.mpy, targets.get("armv6m")).classify([0, 0, 0])[0] == 0x12345678
