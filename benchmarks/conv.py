"""Cost of a net with convolutions: MLPerf Tiny's keyword net (DS-CNN), instructions a multiplication.

    python benchmarks/conv.py [TARGET …]

Weights are random: no kernel is quicker for any. The lower bound is what the innermost loops would take with
nothing around them: on Cortex-M0+ a load, a multiplication and an addition a weight and a load for every
fourth; on Cortex-M4F two multiplications an instruction, and half an instruction to unpack a weight that is
used at two places.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from midge import targets
from midge.compile import c99, module_glue, toolchain
from midge.compile.conv import Conv
from midge.compile.conv_integer import lower, predict
from midge.compile.conv_layers import Layer, Weights, all_shapes
from midge.compile.emulate import Emulator
from midge.compile.quantise import Quantisation
from midge.compile.verdict import Verdict
from midge.model_file import Model
from midge.nets.blocks import DS_CNN, operations

SHAPE, N_CLASSES = (49, 10, 1), 12
MUST = {"armv6m": 8.0, "armv7emsp": 3.0}
REACH = {"armv6m": 5.0, "armv7emsp": 1.8}
BOUND = {"armv6m": 3.25, "armv7emsp": 0.75}


def net(seed: int = 7) -> Conv:
    """The net of Zhang et al. 2017 with random weights, its values spread as int8 wants them."""
    source = np.random.default_rng(seed)
    layers: list[Layer] = []
    shapes, scales = [SHAPE], [0.05]
    for number, made in enumerate(operations(DS_CNN, SHAPE, N_CLASSES)):
        channels = shapes[-1][2]
        scale, zero, weights = scales[-1], -128 if number else 0, None
        if made.kind != "average":
            n_in = 1 if made.kind == "depthwise" else channels
            values = source.integers(-127, 128, (made.channels, *made.window.kernel, n_in))
            steps = np.full(made.channels, 0.02)
            bias = source.integers(-500, 500, made.channels, np.int32)
            weights = Weights(values.astype(np.int8), steps, bias)
            scale = float(74 * np.sqrt(values[0].size) * 0.02 * scale * 0.7)
        is_last = made.kind == "dense"
        layer = Layer(made.kind, made.sources, scale, zero, -128, 127, made.window, weights)
        layers.append(replace(layer, scale=0.0, zero=0) if is_last else layer)
        shapes = all_shapes(SHAPE, tuple(layers))
        scales.append(scale)
    columns = np.ones(SHAPE[1] * SHAPE[2])
    rule = Verdict("highest", "softmax", N_CLASSES)
    return Conv(SHAPE, 0 * columns, 0.05 * columns, scales[0], 0, tuple(layers), rule)


def main() -> None:
    """Print a line a target."""
    ir = net()
    rows = np.random.default_rng(1).integers(-2500, 2500, (1, ir.n_features)).astype(np.int16)
    lowered = lower(ir)
    scores, _ = predict(lowered, rows)
    labels = tuple(map(str, range(N_CLASSES)))
    model = Model("ds_cnn", labels, None, None, None, None, ir, 0.0, Quantisation(), {})
    sources = c99.sources(model)
    print(f"{ir.macs} multiplications, arena {lowered.arena.size_bytes} bytes")
    for name in sys.argv[1:] or MUST:
        target = targets.get(name)
        module = toolchain.build_module(sources, target, name=model.name, exports=module_glue.MODEL)
        board = Emulator(module.mpy, target, module.symbols)
        found = board.measure(rows)
        if not np.array_equal(board.classify(rows[0])[1], scores[0]):
            raise SystemExit(f"{name}: another answer than the integers'")
        share = found.instructions_mean / ir.macs
        print(
            f"{name}: {found.instructions_mean:.0f} instructions, {share:.2f} a multiplication "
            f"(must {MUST.get(name, '-')}, reach {REACH.get(name, '-')}, bound {BOUND.get(name, '-')}), "
            f"module {module.module_bytes} bytes, state {board.state_bytes}, stack {found.stack_bytes}"
        )


if __name__ == "__main__":
    main()
