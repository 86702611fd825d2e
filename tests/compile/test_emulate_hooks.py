"""The emulator's hooks in Python, for machines without a compiler, do what those in C do."""

from __future__ import annotations

from array import array
from types import ModuleType

import pytest

from midge import targets
from midge.compile import emulate_watch, link_kernels, module_glue, toolchain
from midge.compile.emulate import Emulator
from midge.compile.emulate_hooks import Hooks
from midge.errors import ModelError, ToolchainMissing


def _without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ToolchainMissing("no compiler")

    monkeypatch.setattr(emulate_watch, "_hooks", missing)


@pytest.mark.parametrize("target_name", ["x64", "armv6m", "armv7emsp", "rv32imc"])
def test_they_count_the_same(target_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.get(target_name)
    linked = link_kernels.build_native(target)
    counted = {"cobs_encode": "cobs_encode"}
    found = []
    for is_slow in (False, True):
        if is_slow:
            _without_compiler(monkeypatch)
        board = Emulator(linked.mpy, target, linked.symbols, counted=counted)
        assert isinstance(board._watch._hooks, Hooks) == is_slow
        board.start_counting()
        block, text = array("h", [1, -2, 32767] * 20), bytearray(80)
        board.call("scale_axes", block, 20, array("i", [2, 2, 65535, 0, -3, 1, 1]))
        length = board.call("cobs_encode", bytes(range(60)), 60, text)
        found.append((block, bytes(text[:length]), board.measurements()))
    assert found[0] == found[1]
    assert set(found[0][2]) == set(counted)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return *(volatile int16_t *)((uintptr_t)features + 1);", "not aligned"),
        ("return features[3];", "outside the buffers"),
        ("for (volatile int i = 0;; i++) {}", "more than 10000"),
    ],
)
def test_they_refuse_the_same(
    body: str, message: str, toy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulate_watch, "RUNAWAY_INSTRUCTIONS", 10_000)
    target = targets.get("armv7emsp")
    module = toolchain.build_module(toy.with_classify(body), target, name="toy", exports=module_glue.MODEL)
    _without_compiler(monkeypatch)
    with pytest.raises(ModelError, match=message):
        Emulator(module.mpy, target).classify([1, 2, 3])
