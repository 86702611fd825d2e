"""A net with time in it as an estimator in scikit-learn's manners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from ..compile.conv import Conv
from ..compile.conv_integer import rounded_values
from ..compile.conv_reference import interpret, values
from ..compile.verdict import MAX_CLASSES
from ..errors import CompileError, ToolchainMissing
from . import time_network, time_training
from .blocks import USUAL_AUGMENTATION, Block, Operation, chosen, operations
from .schedule import Schedule

AGREEMENT_ROWS = 512


class ConvClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies rows that are a course in time: frames of sound, windows of motion.

    Trained for int8 (Jacob et al. 2018): what is fitted is what the board computes, up to the rounding
    between layers. Nets along time, whose rows are one wide, need nothing else; all others PyTorch. The same
    data and seed give the same net on the same machine.

    Parameters
    ----------
    shape : (time, width) or (time, width, channels), optional
        of a row; without it X must have three or four dimensions. Bands of sound are the width; axes of
        motion are channels: (time, 1, axes)
    layers : str or sequence of Block
        'ds-cnn', 'small', 'along-time', or blocks; a mean over what is left and a dense layer follow
    epochs, batch_size, learning_rate, weight_decay, label_smoothing
        of the training
    augment : mapping of str to float, True or None
        see `midge.nets.blocks.USUAL_AUGMENTATION`; True: these
    bands : bool
        channels are bands, of which neighbours are alike: `augment` moves and hides them too
    class_weight : 'balanced' or None
    random_state : int

    Attributes
    ----------
    classes_ : labels, sorted
    net_ : midge.compile.conv.Conv
    agreement_ : part of the training rows on which int8 answers as real numbers do
    n_features_in_ : int
    """

    def __init__(
        self,
        shape: tuple[int, ...] | None = None,
        layers: str | Sequence[Block] = "small",
        *,
        epochs: int = 60,
        batch_size: int = 64,
        learning_rate: float = 5e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.05,
        augment: Mapping[str, float] | bool | None = None,
        bands: bool = False,
        class_weight: str | None = "balanced",
        random_state: int = 0,
    ) -> None:
        self.shape = shape
        self.layers = layers
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.augment = augment
        self.bands = bands
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> ConvClassifier:
        """Train on rows X, (n, time * width * channels) or in the shape of the rows, and their labels.

        Raises
        ------
        CompileError
            X, y or layers don't suit each other
        ToolchainMissing
            PyTorch isn't there, and the net is none along time
        """
        rows, shape = self._rows(X)
        labels = np.asarray(y)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(labels) != len(rows):
            raise CompileError(f"X has {len(rows)} rows, y has {len(labels)}")
        if not 2 <= len(self.classes_) <= MAX_CLASSES:
            raise CompileError(f"{len(self.classes_)} classes; there must be 2 to {MAX_CLASSES}")
        planned = operations(chosen(self.layers), shape, len(self.classes_))
        schedule = Schedule(
            int(self.epochs),
            int(self.batch_size),
            float(self.learning_rate),
            float(self.weight_decay),
            float(self.label_smoothing),
            self._augmentation(),
            int(self.random_state),
        )
        weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if self.class_weight == "balanced":
            weights = weights * (len(rows) / len(self.classes_) / np.bincount(numbers))[numbers]
        self.n_features_in_ = rows.shape[1]
        net = self._train(rows, numbers, weights, shape, planned, schedule)
        self.net_: Conv = net.calibrated(rows)
        few = rows[np.unique(np.linspace(0, len(rows) - 1, AGREEMENT_ROWS).astype(int))]
        answers = [made(self.net_, few).argmax(axis=1) for made in (rounded_values, values)]
        self.agreement_ = float(np.mean(answers[0] == answers[1]))
        return self

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Probabilities (n, n_classes), in float64."""
        check_is_fitted(self, "net_")
        rows, _ = self._rows(X, self.net_.shape)
        return interpret(self.net_, rows).scores

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Labels (n,)."""
        found: npt.NDArray[Any] = self.classes_[np.argmax(self.predict_proba(X), axis=1)]
        return found

    def _rows(
        self, X: npt.ArrayLike, shape: tuple[int, int, int] | None = None
    ) -> tuple[npt.NDArray[np.float64], tuple[int, int, int]]:
        """X as (n, n_features), and the shape of a row."""
        numbers = np.asarray(X, np.float64)
        if shape is None:
            given = self.shape if self.shape is not None else numbers.shape[1:]
            if len(given) not in (2, 3) or not len(numbers):
                raise CompileError(
                    f"X has the shape {numbers.shape}: give shape=(time, width), or rows of that shape"
                )
            shape = (int(given[0]), int(given[1]), int(given[2]) if len(given) == 3 else 1)
        rows = numbers.reshape(len(numbers), -1)
        if rows.shape[1] != int(np.prod(shape)):
            raise CompileError(f"X has {rows.shape[1]} values a row, a shape of {shape} has {np.prod(shape)}")
        if not np.isfinite(rows).all():
            raise CompileError("X has a value that is not finite; fill it first")
        return rows, shape

    def _train(
        self,
        rows: npt.NDArray[np.float64],
        numbers: npt.NDArray[np.intp],
        weights: npt.NDArray[np.float64],
        shape: tuple[int, int, int],
        planned: list[Operation],
        schedule: Schedule,
    ) -> Conv:
        if time_network.is_along_time(planned, shape[1]):
            return time_training.train(
                rows,
                numbers,
                weights,
                shape=shape,
                operations=planned,
                schedule=schedule,
                is_wide=bool(self.bands),
            )
        net: Conv = _with_torch().train(
            rows, numbers, weights, shape=shape, operations=planned, schedule=schedule
        )
        return net

    def _augmentation(self) -> Mapping[str, float]:
        if isinstance(self.augment, Mapping):
            return self.augment
        return USUAL_AUGMENTATION if self.augment else {}


def _with_torch() -> Any:
    try:
        from . import torch_training
    except ImportError:
        raise ToolchainMissing(
            "training nets over time and bands needs PyTorch; it is not installed: pip install 'midge[nets]'"
        ) from None
    return torch_training
