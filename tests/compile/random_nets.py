"""Nets with convolutions of random weights: every kind of layer, at shapes that kernels take differently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from midge.compile import conv_reference
from midge.compile.conv import Conv
from midge.compile.conv_layers import Layer, Shape, Weights, Window, all_shapes
from midge.compile.verdict import Verdict

ONE = Window()


class Maker:
    """Puts layers on top of each other, with scales that keep the numbers within int8."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.source = np.random.default_rng(seed)
        self.shape = shape
        self.scales, self.zeros = [0.05], [int(self.source.integers(-20, 20))]
        self.layers: list[Layer] = []

    def _out(self) -> Shape:
        return all_shapes(self.shape, tuple(self.layers))[-1]

    def weighted(
        self, kind: str, n_out: int = 0, window: Window = ONE, *, relu: bool = True, wide: bool = False
    ) -> Maker:
        """A conv, depthwise or dense layer; `wide`: it writes sums."""
        height, width, channels = self._out()
        n_in = {"dense": height * width * channels, "depthwise": 1}.get(kind, channels)
        n_out = channels if kind == "depthwise" else n_out
        taps = (1, 1) if kind == "dense" else window.kernel
        values = self.source.integers(-128, 128, (n_out, *taps, n_in)).astype(np.int8)
        scales = self.source.uniform(0.2, 1.0, n_out) * 0.02
        bias = self.source.integers(-2000, 2000, n_out).astype(np.int32)
        spread = 74 * np.sqrt(n_in * taps[0] * taps[1]) * 0.02 * self.scales[-1] * 70
        scale = 0.0 if wide else float(spread / 100)
        zero = -128 if relu else int(self.source.integers(-30, 30))
        return self._add(
            Layer(
                *(kind, (len(self.layers),), scale, zero, zero if relu else -128, 127, window),
                Weights(values, scales, bias),
            )
        )

    def pool(self, kind: str, window: Window) -> Maker:
        """An average or max pool."""
        return self._add(Layer(kind, (len(self.layers),), self.scales[-1], self.zeros[-1], -128, 127, window))

    def mean(self, share: float) -> Maker:
        """TensorFlow Lite's mean over the whole image, `share` times the scale of what it reads."""
        height, width, channels = self._out()
        n = height * width
        ones = Weights(
            np.ones((channels, height, width, 1), np.int8),
            np.full(channels, 1 / n),
            np.zeros(channels, np.int32),
        )
        zero = int(self.source.integers(-30, 30))
        window = Window((height, width))
        return self._add(
            Layer(
                *("depthwise", (len(self.layers),), share * self.scales[-1], zero, -128, 127, window),
                ones,
                is_mean=True,
            )
        )

    def residual(self, back: int) -> Maker:
        """The sum of what there is and of what there was `back` layers ago."""
        here = len(self.layers)
        scale = 1.3 * max(self.scales[here], self.scales[here - back])
        return self._add(Layer("add", (here, here - back), scale, -17, -120, 111))

    def _add(self, layer: Layer) -> Maker:
        self.layers.append(layer)
        self.scales.append(layer.scale)
        self.zeros.append(layer.zero)
        return self

    def net(self, *, bits: int = 15, decide: str = "highest") -> Conv:
        """The net; its last layer gives a value a class."""
        n = int(np.prod(self._out()))
        rule = (
            Verdict("highest", "softmax", n)
            if decide == "highest"
            else Verdict("value", "value", 0, 3.0, 0.5)
        )
        columns = self.shape[1] * self.shape[2]
        made = Conv(
            self.shape,
            self.source.uniform(-300, 300, columns),
            self.source.uniform(0.05, 0.2, columns),
            self.scales[0],
            self.zeros[0],
            tuple(self.layers),
            rule,
            bits,
        )
        # Values that spread by a few: scores between 0 and 1.
        rows = self.source.integers(-2500, 2500, (50, made.n_features)).astype(np.float64)
        values = conv_reference.values(made, rows)
        factor = 2.0 / float(values.std(axis=0).mean())
        last = self.layers[-1]
        assert last.weights is not None
        steps = last.weights.scales * self.scales[len(self.layers) - 1]
        bias = last.weights.bias - np.rint(values.mean(axis=0) / steps).astype(np.int32)
        weights = replace(last.weights, scales=last.weights.scales * factor, bias=bias)
        last = replace(last, scale=last.scale * factor, weights=weights)
        return replace(made, layers=(*self.layers[:-1], last))


def ds_cnn(
    shape: Shape = (49, 10, 1), channels: int = 64, blocks: int = 4, n_classes: int = 12, seed: int = 7
) -> Conv:
    """The shape of MLPerf Tiny's keyword net (Zhang et al. 2017, DS-CNN small)."""
    maker = Maker(shape, seed).weighted("conv", channels, Window((10, 4), (2, 2), same=True))
    for _ in range(blocks):
        maker.weighted("depthwise", window=Window((3, 3), same=True)).weighted("conv", channels)
    height, width, _ = maker._out()
    return maker.pool("average", Window((height, width))).weighted("dense", n_classes, wide=True).net()
