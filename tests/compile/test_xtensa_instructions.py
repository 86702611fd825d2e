"""Random integer instructions: midge's own core against qemu-xtensa, register by register."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from midge import model_file, targets
from midge.compile import link_kernels, link_model
from midge.compile.emulate import Emulator
from midge.compile.kernel_sections import Section
from midge.compile.linear import Linear
from midge.compile.link_model import ModelTables
from midge.compile.opcodes import check_bytes
from midge.compile.verdict import Verdict
from midge.errors import ToolchainMissing

TARGET = targets.get("xtensawin")
# What the code works on: loaded from 16 features, stored as 16 scores.
FIRST, LAST, WORDS = 4, 11, 8
# Holds a divisor.
SPARE = 15


def _machine() -> ModuleType:
    path = Path(__file__).with_name("xtensa") / "machine.py"
    spec = importlib.util.spec_from_file_location("xtensa_machine", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


machine = _machine()


def _wide(first: int, t: int, s: int, r: int, second: int = 0, third: int = 0) -> bytes:
    word = first | t << 4 | s << 8 | r << 12 | second << 16 | third << 20
    return word.to_bytes(3, "little")


def _narrow(first: int, t: int, s: int, r: int) -> bytes:
    return (first | t << 4 | s << 8 | r << 12).to_bytes(2, "little")


# and or xor, add … subx8; min max, mul16; mull muluh mulsh; moveqz … movgez
_THREE_REGISTERS = [
    *((0, third) for third in (1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15)),
    *((1, third) for third in (12, 13)),
    *((2, third) for third in (8, 10, 11)),
    *((3, third) for third in (4, 5, 6, 7, 8, 9, 10, 11)),
]


def _instructions(source: random.Random) -> bytes:
    """One step: mostly one instruction; a branch with what it may skip, a shift with its amount."""

    def a() -> int:
        return source.randint(FIRST, LAST)

    def arithmetic() -> bytes:
        second, third = source.choice(_THREE_REGISTERS)
        return _wide(0, a(), a(), a(), second, third)

    amounts = (
        lambda: _wide(0, 0, a(), 0, 0, 4),  # ssr
        lambda: _wide(0, 0, a(), 1, 0, 4),  # ssl
        lambda: _wide(0, 0, a(), 2, 0, 4),  # ssa8l
        lambda: _wide(0, source.randint(0, 1), source.randint(0, 15), 4, 0, 4),  # ssai
    )
    shifts = (
        lambda: _wide(0, a(), a(), a(), 1, 8),  # src
        # srl, sra; not by 32, which ssl can set: qemu 7.2 shifts by 0 then, against the manual.
        lambda: amounts[0]() + _wide(0, a(), 0, a(), 1, source.choice((9, 11))),
        lambda: _wide(0, 0, a(), a(), 1, 10),  # sll
    )
    skipped = arithmetic()
    kinds: list[Callable[[], bytes]] = [
        arithmetic,
        arithmetic,
        lambda: _wide(0, a(), source.randint(0, 1), a(), 0, 6),  # neg, abs
        lambda: _wide(0, a(), a(), source.choice((14, 15)), 0, 4),  # nsa, nsau
        lambda: _wide(0, source.randint(0, 15), a(), a(), 3, source.choice((2, 3))),  # sext, clamps
        lambda: _wide(0, source.randint(1, 15), a(), a(), 1, source.choice((0, 1))),  # slli
        lambda: _wide(0, a(), source.randint(0, 15), a(), 1, source.choice((2, 3, 4))),  # srai, srli
        lambda: _wide(
            0, a(), source.randint(0, 15), a(), source.choice((4, 5)), source.randint(0, 15)
        ),  # extui
        lambda: source.choice(amounts)() + source.choice(shifts)(),
        lambda: _wide(
            2, a(), source.randint(0, 15), 10, source.randint(0, 15), source.randint(0, 15)
        ),  # movi
        lambda: _wide(2, a(), a(), source.choice((12, 13)), source.randint(0, 15), source.randint(0, 15)),
        lambda: _narrow(10, a(), a(), a()) + _narrow(11, source.randint(0, 15), a(), a()),  # add.n, addi.n
        lambda: _narrow(12, source.randint(0, 7), a(), source.randint(0, 15)),  # movi.n
        lambda: _narrow(13, a(), a(), 0),  # mov.n
        # quou, quos, remu, rems by a number that is not 0
        lambda: (
            _wide(2, SPARE, source.choice((0, 15)), 10, source.randint(1, 15), source.randint(0, 15))
            + _wide(0, SPARE, a(), a(), 2, source.randint(12, 15))
        ),
        lambda: _wide(7, a(), a(), source.randint(0, 15), 2) + skipped,  # b…
        lambda: (6 | 1 << 4 | source.randint(0, 3) << 6 | a() << 8 | 2 << 12).to_bytes(3, "little") + skipped,
        lambda: _wide(6, 2 | source.randint(0, 3) << 2, a(), source.randint(0, 15), 2) + skipped,  # b…i
        lambda: _wide(6, 3 | source.randint(2, 3) << 2, a(), source.randint(0, 15), 2) + skipped,  # b…ui
        lambda: _narrow(12, source.choice((8, 12)), a(), 1) + skipped,  # beqz.n, bnez.n
    ]
    return source.choice(kinds)()


def _program(seed: int, length: int) -> Section:
    """`int32_t f(const int16_t *x, int16_t *scores)` of random instructions.

    Twelve steps at a time on the words of x, then into the scores by xor: random code soon forgets its input.
    """
    source = random.Random(seed)
    code = bytes.fromhex("364100 0c0e")  # entry a1, 32; movi.n a14, 0
    code += b"".join(_narrow(9, 14, 3, word) for word in range(WORDS))
    for _ in range(length // 12):
        code += b"".join(_narrow(8, FIRST + word, 2, word) for word in range(WORDS))
        code += b"".join(_instructions(source) for _ in range(12))
        for word in range(WORDS):
            code += _narrow(8, 14, 3, word) + _wide(0, FIRST + word, 14, 14, 0, 3) + _narrow(9, 14, 3, word)
    code += bytes.fromhex("0c021df0")  # movi.n a2, 0; retw.n
    check_bytes(code, TARGET)
    return Section("random_instructions", code, is_code=True)


def _module(section: Section, monkeypatch: pytest.MonkeyPatch) -> bytes:
    n = 2 * WORDS
    ir = Linear(
        np.eye(n), np.zeros(n), Verdict("highest", "decision", n, 1.0), np.full(n, -9.0), np.full(n, 9.0)
    )
    model = model_file.create(ir, np.eye(n, dtype=np.int16), name="random", labels=[str(i) for i in range(n)])

    def tables(model: model_file.Model, word_bytes: int) -> ModelTables:
        made = link_model.tables(model, word_bytes)
        return ModelTables((*made.sections, section), {**made.aliases, "midge_classify": section.name})

    monkeypatch.setattr(link_kernels, "tables", tables)
    return link_kernels.build_model(model, TARGET).mpy


@machine.needed()
@pytest.mark.parametrize("seed", range(8))
def test_random_instructions_as_qemu_runs_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        module = _module(_program(seed, 600), monkeypatch)
    except ToolchainMissing as error:
        pytest.skip(str(error))
    source = np.random.default_rng(seed)
    rows = source.integers(-32768, 32768, (60, 2 * WORDS)).astype(np.int16)
    rows[::4] = source.choice([-32768, -1, 0, 1, 32767], rows[::4].shape)
    expected = machine.run(module, 0, 2 * WORDS, rows).scores
    emulator = Emulator(module, TARGET)
    found = np.array([emulator.classify(row)[1] for row in rows])
    assert np.array_equal(found, expected)
    assert len(np.unique(found, axis=0)) > 40
