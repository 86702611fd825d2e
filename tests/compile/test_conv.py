"""Nets with convolutions: shapes, rounding, arena, C on this machine and in emulation."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from midge import model_file, targets
from midge.compile import c99, conv_arena, conv_integer, conv_reference, host, ir, module_glue, toolchain
from midge.compile.conv import Conv
from midge.compile.conv_layers import Window, counts, patches
from midge.compile.emulate import Emulator
from midge.errors import ModelError
from midge.model_file import Model


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


random_nets = _load("random_nets")
Maker = random_nets.Maker


def small_nets() -> dict[str, Conv]:
    """One net for each way that a kernel can be taken."""
    same = Window((3, 3), same=True)
    return {
        "patches, odd channels": Maker((11, 7, 3), 1)
        .weighted("conv", 5, Window((4, 3), (2, 1), same=True))
        .weighted("depthwise", window=same)
        .weighted("conv", 6, relu=False)
        .weighted("dense", 3, wide=True)
        .net(),
        "words, residual": Maker((9, 6, 4), 2)
        .weighted("conv", 8)
        .weighted("depthwise", window=Window((3, 3), (1, 1), same=True))
        .weighted("conv", 8, relu=False)
        .residual(2)
        .pool("average", Window((9, 6)))
        .weighted("dense", 4, wide=True)
        .net(),
        "time only, factors of 31 bits": Maker((40, 1, 3), 3)
        .weighted("conv", 12, Window((5, 1), (2, 1)))
        .pool("max", Window((3, 1), (2, 1), same=True))
        .weighted("conv", 7, Window((3, 1), (2, 1), same=True), relu=False)
        .pool("average", Window((2, 1), (2, 1), same=True))
        .weighted("dense", 5, relu=False)
        .net(bits=31),
        "a number": Maker((8, 8, 1), 4)
        .weighted("conv", 4, Window((3, 3), (1, 1)))
        .pool("max", Window((2, 2), (2, 2)))
        .weighted("dense", 1, wide=True)
        .net(decide="value"),
    }


NETS = small_nets()


def inputs(net: Conv, n: int, seed: int = 0) -> np.ndarray:
    """Typical rows, full-scale noise and constants."""
    source = np.random.default_rng(seed)
    rows = source.integers(-2500, 2500, (n, net.n_features))
    rows[: n // 4] = source.integers(-32768, 32768, (n // 4, net.n_features))
    rows[:5] = np.array([-32768, -1, 0, 1, 32767])[:, None]
    return rows.astype(np.int16)


def made(net: Conv) -> Model:
    rows = inputs(net, 40)
    labels = [str(number) for number in range(net.n_scores)]
    return model_file.create(net.calibrated(rows), rows, name="net", labels=labels)


@pytest.mark.parametrize("name", NETS)
def test_c_on_this_machine_gives_the_bits_of_the_integers(name: str) -> None:
    model = made(NETS[name])
    rows = inputs(NETS[name], 1000, 1)
    scores, winners = host.HostModel(model, c99.sources(model)).classify(rows)
    expected, expected_winners = conv_integer.predict(conv_integer.lower(model.ir), rows)
    np.testing.assert_array_equal(scores, expected)
    np.testing.assert_array_equal(winners, expected_winners)
    assert len(np.unique(expected, axis=0)) > 100


@pytest.mark.parametrize(
    ("target", "n_rows"),
    [
        ("armv6m", 30),
        ("armv7emsp", 30),
        ("rv32imc", 30),
        *(
            pytest.param(target, 1000, marks=pytest.mark.check)
            for target in ("x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc")
        ),
    ],
)
@pytest.mark.parametrize("name", NETS)
def test_emulated_boards_give_the_bits_of_the_integers(name: str, target: str, n_rows: int) -> None:
    model = made(NETS[name])
    module = toolchain.build_module(
        c99.sources(model), targets.get(target), name="net", exports=module_glue.MODEL
    )
    board = Emulator(module.mpy, targets.get(target))
    rows = inputs(NETS[name], n_rows, 2)
    expected, winners = conv_integer.predict(conv_integer.lower(model.ir), rows)
    for row, scores, winner in zip(rows, expected, winners, strict=True):
        found, found_scores = board.classify(row)
        assert found == winner
        np.testing.assert_array_equal(found_scores, scores)


@pytest.mark.parametrize("name", NETS)
def test_integers_stay_near_the_real_numbers(name: str) -> None:
    net = NETS[name]
    rows = inputs(net, 100, 3).astype(np.float64)
    lowered = conv_integer.lower(net)
    found = (np.rint((rows.reshape(100, net.shape[0], -1) - net.offset) * net.gain) + net.zero).clip(
        -128, 127
    )
    tensors = conv_integer.tensors(lowered, found.astype(np.int64))
    values = conv_reference.values(net, rows)
    # In steps of the last tensor that is int8: roundings of a few layers.
    last = net.layers[-1]
    step = last.scale or float(last.weights.scales.max() * net.tensor(len(net.layers) - 1)[0] * 74 * 12)
    errors = conv_integer.margin_errors(net, rows)
    assert tensors[-1].shape[0] == 100
    assert errors.max() < 6 * step
    assert errors.max() < 0.2 * np.ptp(values)


def test_requantising_rounds_as_tensorflow_lite_writes_it() -> None:
    source = np.random.default_rng(5)
    sums = np.concatenate(
        [source.integers(-(1 << 24), 1 << 24, 5000), [0, 1, -1, 2, -2, 1 << 28, -(1 << 28)]]
    )
    for real in (0.0003, 0.01, 0.24999, 0.25, 0.4999, 0.7, 1.0, 3.1):
        by = conv_integer.factors(np.array([real]))
        multiplier, shift = int(by.multiplier[0]), int(by.shift[0])
        assert multiplier * 2.0 ** (-31 - shift) == pytest.approx(real, rel=1e-8)
        found = conv_integer.requantise(sums, by)
        for value, one in zip(sums.tolist(), found.tolist(), strict=True):
            assert one == _as_written(value << max(-shift, 0), multiplier, max(shift, 0))


def _as_written(value: int, multiplier: int, shift: int) -> int:
    """SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT (gemmlowp, fixedpoint.h)."""
    product = value * multiplier
    nudge = (1 << 30) if product >= 0 else 1 - (1 << 30)
    whole = abs(product + nudge) >> 31
    high = whole if product + nudge >= 0 else -whole
    mask = (1 << shift) - 1
    threshold = (mask >> 1) + (1 if high < 0 else 0)
    return (high >> shift) + (1 if high & mask > threshold else 0)


def test_padding_is_tensorflows() -> None:
    window = Window((10, 4), (2, 2), same=True)
    assert window.out((49, 10)) == (25, 5)
    assert window.before((49, 10)) == (4, 1)
    x = np.arange(1.0, 5.0).reshape(1, 4, 1, 1)
    seen = patches(x, Window((3, 1), (2, 1), same=True), 0.0)[0, :, 0, :, 0, 0]
    np.testing.assert_array_equal(seen, [[1, 2, 3], [3, 4, 0]])
    assert counts((4, 1, 1), Window((3, 1), (2, 1), same=True)).ravel().tolist() == [3, 2]


def test_tensors_that_live_together_never_overlap() -> None:
    for net in (*NETS.values(), random_nets.ds_cnn()):
        arena, shapes = conv_arena.plan(net), net.shapes
        for number, layer in enumerate(net.layers):
            used = [(arena.tensors[k], int(np.prod(shapes[k]))) for k in (*layer.sources, number + 1)]
            size = conv_arena.scratch_bytes(layer, shapes[layer.sources[0]], shapes[number + 1])
            used.append((arena.scratch[number], size))
            spans = sorted((at, at + n) for at, n in dict.fromkeys(used) if at is not None and n)
            assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
            assert spans[-1][1] <= arena.size_bytes


def test_the_arena_of_a_keyword_net_fits_a_small_board() -> None:
    assert conv_arena.plan(random_nets.ds_cnn()).size_bytes <= 17 * 1024


def test_json_gives_the_same_net_again() -> None:
    for net in NETS.values():
        again = ir.from_json(net.to_json())
        assert again.to_json() == net.to_json()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("layers", [], "1 to 255 layers"),
        ("shape", [11, 7], "shape"),
        ("gain", [0.0] * 21, "offset or gain"),
        ("zero", 200, "zero"),
        ("shape", [2, 7, 3], "dense"),
    ],
)
def test_a_net_that_is_not_whole_is_refused(key: str, value: object, words: str) -> None:
    data = NETS["patches, odd channels"].to_json() | {key: value}
    with pytest.raises(ModelError, match=words):
        ir.from_json(data)
