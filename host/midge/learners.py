"""What can be fitted: each family's estimator, its parameters and the few values worth trying."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import noisy_net

Int16 = npt.NDArray[np.int16]
Labels = npt.NDArray[np.int64]
Params = Mapping[str, float]

BOOSTING_BINS = 63
# Updates of a net, about: epochs follow from the number of rows.
NET_ROW_VISITS = 500_000
# The same with noise, and the least epochs.
NOISY_ROW_VISITS, NOISY_EPOCHS = 200_000, 10
# The same of nets with convolutions, along time and over time and bands, and the least epochs: no row is seen
# twice alike, so they are not learnt by heart; and minutes of one processor for thousands of rows of sound.
TIME_ROW_VISITS, CONV_ROW_VISITS = 300_000, 120_000
CONV_EPOCHS = 12


@dataclass(frozen=True)
class Parameter:
    """A family's parameter: its default and its bounds; a float default takes fractions."""

    default: float
    low: float
    high: float


@dataclass(frozen=True)
class Learner:
    """A family: how it is fitted, what can be set, and what nested validation tries.

    `fit(X, y, params, seed)` returns a fitted estimator that `families` understands. `grid`: what to try,
    the first being the defaults. Parameter `features`: at most so many are kept, 0 = all.
    """

    fit: Callable[[Int16, Labels, Params, int], Any]
    parameters: Mapping[str, Parameter]
    grid: tuple[Mapping[str, float], ...] = field(default=({},))
    summary: str = ""

    def defaults(self) -> dict[str, float]:
        """Every parameter at its default."""
        return {name: one.default for name, one in self.parameters.items()}


def _trees(kind: str, **more: Any) -> Callable[[Int16, Labels, Params, int], Any]:
    def fit(X: Int16, y: Labels, params: Params, seed: int) -> Any:
        from sklearn import ensemble

        estimator = getattr(ensemble, kind)(
            n_estimators=int(params["trees"]),
            max_depth=int(params["depth"]),
            min_samples_leaf=int(params["min_leaf"]),
            random_state=seed,
            n_jobs=-1,
            **more,
        )
        estimator.fit(X, y)
        # Probabilities are added up in the trees' order, so that they are the same on every machine.
        estimator.n_jobs = 1
        return estimator

    return fit


def _boosting(X: Int16, y: Labels, params: Params, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=int(params["rounds"]),
        max_depth=int(params["depth"]),
        learning_rate=params["rate"],
        min_samples_leaf=5,
        l2_regularization=1.0,
        class_weight="balanced",
        early_stopping=False,
        # Weighted percentiles, one after another, take longer than all trees where there are 255 of them.
        max_bins=BOOSTING_BINS,
        random_state=seed,
    ).fit(X, y)


def _scaled(estimator: Any, X: Int16, y: Labels, **fit_params: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with warnings.catch_warnings():
        # A fit that is stopped by its number of rounds is meant to be.
        warnings.simplefilter("ignore")
        return make_pipeline(StandardScaler(), estimator).fit(X, y, **fit_params)


def _linear(X: Int16, y: Labels, params: Params, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _scaled(LogisticRegression(C=params["c"], class_weight="balanced", max_iter=100, tol=1e-3), X, y)


def _svm(X: Int16, y: Labels, params: Params, seed: int) -> Any:
    from sklearn.svm import SVC

    gamma = params["gamma"] / X.shape[1]
    return _scaled(SVC(C=params["c"], gamma=gamma, class_weight="balanced", cache_size=500), X, y)


def _gaussian(X: Int16, y: Labels, params: Params, seed: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    n_labels = len(np.unique(y))
    # Every label alike, however many windows it has.
    return GaussianNB(priors=np.full(n_labels, 1 / n_labels)).fit(X.astype(np.float64), y)


def _net(X: Int16, y: Labels, params: Params, seed: int) -> Any:
    """Several nets side by side as one: the mean of their values is the values of a wider net."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(X)
    scaled = scaler.transform(X)
    nets = [_member(scaled, y, params, seed + 1000 * number) for number in range(int(params["members"]))]
    merged = nets[0]
    if len(nets) > 1:
        merged.hidden_layer_sizes = (sum(net.hidden_layer_sizes[0] for net in nets),)
        merged.coefs_ = [
            np.concatenate([net.coefs_[0] for net in nets], axis=1),
            np.concatenate([net.coefs_[1] for net in nets]) / len(nets),
        ]
        merged.intercepts_ = [
            np.concatenate([net.intercepts_[0] for net in nets]),
            sum(net.intercepts_[1] for net in nets) / len(nets),
        ]
    return make_pipeline(scaler, merged)


def _member(scaled: npt.NDArray[np.float64], y: Labels, params: Params, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    weight = np.sqrt(len(y) / np.maximum(1, np.bincount(y))[y] / len(np.unique(y)))
    hidden = int(params["hidden"])
    if params["noise"]:
        visits = max(NOISY_EPOCHS * len(y), NOISY_ROW_VISITS)
        return noisy_net.fit(
            scaled, y, weight, hidden=hidden, noise=params["noise"], row_visits=visits, seed=seed
        )
    epochs = int(np.clip(NET_ROW_VISITS // len(y), 10, 200))
    net = MLPClassifier(
        (hidden,),
        alpha=params["alpha"],
        max_iter=epochs,
        random_state=seed,
        tol=0.0,
        n_iter_no_change=epochs,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return net.fit(scaled, y, sample_weight=weight)


def _conv(layers: str, row_visits: int, *, is_wide: bool) -> Callable[[Int16, Labels, Params, int], Any]:
    """`is_wide`: convolved over the rows of a time as well; else each of them is a channel."""

    def fit(X: Int16, y: Labels, params: Params, seed: int) -> Any:
        from .nets import ConvClassifier
        from .nets.blocks import usual_augmentation, widened

        times = int(params["times"])
        rows = X.shape[1] // times
        return ConvClassifier(
            (times, rows, 1) if is_wide else (times, 1, rows),
            widened(layers, params["width"]),
            epochs=int(params["epochs"]) or max(CONV_EPOCHS, row_visits // len(X)),
            augment=usual_augmentation(params["vary"]),
            bands=bool(params["bands"]),
            random_state=seed,
        ).fit(X, y)

    return fit


_FEATURES = Parameter(0, 0, 10_000)
# Of nets with convolutions. times: of a row of features, and bands: 1 if that is what a time has; both are
# told by their names. width: channels, times the usual; epochs: 0 = as the number of rows asks for; vary: how
# much the rows are disturbed while it learns, 1 = as usual.
_CONV = {
    "times": Parameter(0, 0, 32_767),
    "bands": Parameter(0, 0, 1),
    "width": Parameter(1.0, 0.125, 8.0),
    "epochs": Parameter(0, 0, 10_000),
    "vary": Parameter(1.0, 0.0, 10.0),
}
_TREE = {
    "depth": Parameter(8, 1, 64),
    "min_leaf": Parameter(2, 1, 10_000),
}

LEARNERS: dict[str, Learner] = {
    "forest": Learner(
        # Background is the rule and a gesture the exception; without weights rare labels would be missed.
        _trees("RandomForestClassifier", class_weight="balanced_subsample"),
        {"trees": Parameter(10, 1, 10_000), **_TREE, "features": Parameter(16, 0, 10_000)},
        summary="random forest",
    ),
    "extra-trees": Learner(
        _trees("ExtraTreesClassifier", class_weight="balanced", max_features=0.3),
        {
            "trees": Parameter(40, 1, 10_000),
            "depth": Parameter(14, 1, 64),
            "min_leaf": Parameter(1, 1, 10_000),
            "features": _FEATURES,
        },
        grid=({}, {"min_leaf": 3}),
        summary="forest of extremely randomised trees",
    ),
    "boosting": Learner(
        _boosting,
        {
            "rounds": Parameter(60, 1, 10_000),
            "depth": Parameter(3, 1, 16),
            "rate": Parameter(0.15, 0.001, 1.0),
            "features": _FEATURES,
        },
        summary="gradient boosting",
    ),
    "linear": Learner(
        _linear,
        {"c": Parameter(0.1, 1e-6, 1e6), "features": _FEATURES},
        grid=({}, {"c": 0.01}, {"c": 1.0}),
        summary="logistic regression",
    ),
    "svm": Learner(
        _svm,
        {"c": Parameter(10.0, 1e-6, 1e6), "gamma": Parameter(0.25, 1e-6, 1e6), "features": _FEATURES},
        grid=({}, {"c": 3.0, "gamma": 0.5}, {"gamma": 0.1}),
        summary="support-vector machine, RBF kernel",
    ),
    "net": Learner(
        _net,
        {
            "hidden": Parameter(32, 1, 1024),
            "members": Parameter(3, 1, 20),
            # What keeps it from learning by heart: a penalty on large weights, or noise on the rows, in their
            # standard deviations. With noise there is no alpha.
            "alpha": Parameter(0.3, 0.0, 1e4),
            "noise": Parameter(0.0, 0.0, 10.0),
            "features": _FEATURES,
        },
        grid=({}, {"alpha": 3.0, "noise": 0.0}),
        summary="net with one hidden layer",
    ),
    "conv": Learner(
        _conv("along-time", TIME_ROW_VISITS, is_wide=False), _CONV, summary="net with convolutions along time"
    ),
    "ds-cnn": Learner(
        _conv("small", CONV_ROW_VISITS, is_wide=True),
        _CONV,
        summary="net with depthwise-separable convolutions over time and bands (midge[nets])",
    ),
    "gaussian": Learner(_gaussian, {"features": Parameter(32, 0, 10_000)}, summary="Gaussian naive Bayes"),
}
# What "auto" compares; a machine with support vectors is far larger than any of them.
AUTO = ("linear", "forest", "net", "extra-trees")
