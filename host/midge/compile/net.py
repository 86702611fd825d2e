"""Feed-forward nets of dense layers: the IR and its float64 reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from . import verdict
from .ir import Answers, FloatArray, read_array
from .verdict import BEYOND, Verdict

ACTIVATIONS = ("relu", "tanh", "logistic", "identity")
PACKED_BITS = (8, 6, 4)
MOST_SHIFT = 15
IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layer:
    """weights : float64 (n_out, n_in);  bias : float64 (n_out,).

    bits, steps : where bits < 16, weights are whole numbers of so many bits times a row's step, (n_out,)
    """

    weights: FloatArray
    bias: FloatArray
    bits: int = 16
    steps: FloatArray | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        found: dict[str, Any] = {"weights": self.weights.tolist(), "bias": self.bias.tolist()}
        return found if self.steps is None else found | {"bits": self.bits, "steps": self.steps.tolist()}


@dataclass(frozen=True, eq=False)
class Net:
    """values = the last layer's weights · hidden + bias; hidden layers end in `activation`.

    peaks : float64 (n_layers - 1,), largest |activation| of each hidden layer for the training rows
    shifts : int (n_features,), the first layer's weights, of few bits, are of features times 2^shifts, held
        within int16: so features of all sizes share a row's step; None: of features as they are
    """

    kind: ClassVar[str] = "net"

    layers: tuple[Layer, ...]
    activation: str
    verdict: Verdict
    low: FloatArray
    high: FloatArray
    peaks: FloatArray
    shifts: IntegerArray | None = None

    @property
    def n_features(self) -> int:
        """Features a row."""
        return int(self.layers[0].weights.shape[1])

    @property
    def n_scores(self) -> int:
        """Scores a row."""
        return self.verdict.n_scores

    def used_features(self) -> list[int]:
        """Indices of the features with a weight, ascending."""
        return np.flatnonzero(self.layers[0].weights.any(axis=0)).tolist()

    def _with_first(self, layer: Layer, low: FloatArray, high: FloatArray) -> Net:
        return replace(self, layers=(layer, *self.layers[1:]), low=low, high=high, shifts=None)

    def _first(self) -> Layer:
        """The first layer, of features as they are: none is held within int16."""
        first = self.layers[0]
        return first if self.shifts is None else Layer(first.weights * 2.0**self.shifts, first.bias)

    def select_features(self, kept: Sequence[int]) -> Net:
        """The same net over the features `kept` alone."""
        columns = list(kept)
        first = self.layers[0]
        layer = replace(first, weights=first.weights[:, columns])
        made = self._with_first(layer, self.low[columns], self.high[columns])
        return replace(made, shifts=None if self.shifts is None else self.shifts[columns])

    def mapped(self, matrix: FloatArray, offset: FloatArray) -> Net:
        """The same net over z, where x = matrix · z + offset: matrix (n_features, n_new)."""
        first, unknown = self._first(), np.zeros(matrix.shape[1])
        return self._with_first(
            Layer(first.weights @ matrix, first.bias + first.weights @ offset), unknown, unknown
        )

    def widened(self, n_features: int, columns: Sequence[int]) -> Net:
        """The same model over n_features features, of which it reads `columns`."""
        matrix = np.zeros((self.n_features, n_features))
        matrix[np.arange(self.n_features), list(columns)] = 1.0
        return self.mapped(matrix, np.zeros(self.n_features))

    def rescaled(self, step: FloatArray, offset: FloatArray) -> Net:
        """The same net over z, where x = z * step + offset."""
        first = self._first()
        return self._with_first(
            Layer(first.weights * step, first.bias + first.weights @ offset),
            (self.low - offset) / step,
            (self.high - offset) / step,
        )

    def calibrated(self, X: npt.NDArray[Any]) -> Net:
        """The same net with the range of X (n_rows, n_features), of its activations, and a unit of scores."""
        rows = np.asarray(X, np.float64)
        if not len(rows):
            return self
        *hidden, values = activations(self, rows)
        return replace(
            self,
            low=rows.min(axis=0),
            high=rows.max(axis=0),
            peaks=np.array([float(np.abs(layer).max()) for layer in hidden]),
            verdict=self.verdict.calibrated(values, BEYOND),
        )

    def input_epsilon(self) -> float:
        """What an error of half a step in every feature can move the margin by: no slope is above 1."""
        moved = np.full(self.n_features, 0.5) * (1.0 if self.shifts is None else 2.0**self.shifts)
        for layer in self.layers:
            moved = np.abs(layer.weights) @ moved
        return float(np.sort(moved)[-2:].sum())

    def to_json(self) -> dict[str, Any]:
        """As it stands in model.json."""
        return {
            "kind": self.kind,
            **self.verdict.to_json(),
            "activation": self.activation,
            "layers": [layer.to_json() for layer in self.layers],
            **{name: getattr(self, name).tolist() for name in ("low", "high", "peaks")},
            **({} if self.shifts is None else {"shifts": self.shifts.tolist()}),
        }


def read(data: Mapping[str, Any]) -> Net:
    """A net out of its JSON; ModelError unless it is whole."""
    rule = verdict.read(data)
    parts, activation = data.get("layers"), data.get("activation")
    if not isinstance(parts, list) or not parts or activation not in ACTIVATIONS:
        raise ModelError(
            "ir: a net needs layers and a known activation; is this midge too old for the model?"
        )
    layers = []
    for number, part in enumerate(parts):
        if not isinstance(part, dict):
            raise ModelError(f"ir: layer {number} is not an object; train the model again")
        where = f"ir: layer {number}"
        weights = read_array(part, "weights", np.float64, 2, where)
        layers.append(_packing(part, Layer(weights, read_array(part, "bias", np.float64, 1, where)), where))
        n_in = layers[-2].weights.shape[0] if number else weights.shape[1]
        if weights.shape != (len(layers[-1].bias), n_in) or weights.size < 1 or n_in > 32767:
            raise ModelError(f"{where} does not fit; train the model again")
    low, high, peaks = (read_array(data, name, np.float64, 1, "ir") for name in ("low", "high", "peaks"))
    n_features = layers[0].weights.shape[1]
    if (
        len(low) != n_features
        or len(high) != n_features
        or len(peaks) != len(layers) - 1
        or (low > high).any()
    ):
        raise ModelError("ir: low, high or peaks don't fit the net; train the model again")
    if len(layers[-1].bias) != rule.n_values or (peaks < 0).any():
        raise ModelError("ir: the last layer does not fit the classes; train the model again")
    return Net(tuple(layers), str(activation), rule, low, high, peaks, _shifts(data, layers[0]))


def _packing(part: Mapping[str, Any], layer: Layer, where: str) -> Layer:
    if "bits" not in part:
        return layer
    steps = read_array(part, "steps", np.float64, 1, where)
    if part["bits"] not in PACKED_BITS or len(steps) != len(layer.bias) or not (steps > 0).all():
        raise ModelError(f"{where}: its bits or steps are not known; train the model again")
    return replace(layer, bits=part["bits"], steps=steps)


def _shifts(data: Mapping[str, Any], first: Layer) -> IntegerArray | None:
    if "shifts" not in data:
        return None
    shifts = read_array(data, "shifts", np.int32, 1, "ir").astype(np.int64)
    fits = len(shifts) == first.weights.shape[1] and ((shifts >= 0) & (shifts <= MOST_SHIFT)).all()
    if not fits or first.steps is None:
        raise ModelError("ir: shifts don't fit the first layer; train the model again")
    return shifts


def shifted(X: npt.NDArray[Any], shifts: IntegerArray) -> npt.NDArray[Any]:
    """Features (…, n_features) times 2^shifts, held within int16."""
    return np.clip(X * 2**shifts, -32768, 32767)


def activations(ir: Net, X: FloatArray) -> list[FloatArray]:
    """Activations of every hidden layer and the values of the last one, each (n_rows, n_out)."""
    found = []
    if ir.shifts is not None:
        X = shifted(X, ir.shifts)
    for number, layer in enumerate(ir.layers):
        X = X @ layer.weights.T + layer.bias
        if number + 1 < len(ir.layers):
            X = _activate(ir.activation, X)
        found.append(X)
    return found


def _activate(activation: str, values: FloatArray) -> FloatArray:
    if activation == "relu":
        return np.maximum(values, 0)
    if activation == "tanh":
        return np.tanh(values)
    return 0.5 * (1 + np.tanh(0.5 * values)) if activation == "logistic" else values


def interpret(ir: Net, X: FloatArray) -> Answers:
    """Scores, winners and margins (in values) of rows of features."""
    return ir.verdict.judge(activations(ir, X)[-1])
