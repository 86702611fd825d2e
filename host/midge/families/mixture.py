"""Gaussians of scikit-learn with covariances of all kinds → IR: mixtures, envelopes, discriminants."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..compile.gaussian import Gaussian
from ..compile.ir import FloatArray
from ..compile.quadratic import Quadratic
from ..compile.verdict import MAX_CLASSES, Verdict
from ..errors import UnsupportedModel


def to_ir(estimator: Any) -> Gaussian | Quadratic:
    """The fitted estimator as a `Gaussian` (diagonal covariances) or a `Quadratic`.

    A mixture answers with its components; an envelope with outlier or inlier, 0 at its threshold.

    Raises
    ------
    UnsupportedModel
        not fitted, or too many components; names the part
    """
    name = type(estimator).__name__
    if name == "EllipticEnvelope":
        return _envelope(estimator, name)
    if not hasattr(estimator, "precisions_cholesky_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X) first")
    if name == "BayesianGaussianMixture":
        raise UnsupportedModel(f"{name} can't be compiled; use GaussianMixture")
    n_components = int(estimator.n_components)
    if not 2 <= n_components <= MAX_CLASSES:
        raise UnsupportedModel(
            f"{name} has {n_components} components; midge takes 2 to {MAX_CLASSES} (one: EllipticEnvelope)"
        )
    means = np.asarray(estimator.means_, np.float64)
    n_features = means.shape[1]
    rule = Verdict("highest", "softmax", n_components)
    kind = estimator.covariance_type
    roots = np.asarray(estimator.precisions_cholesky_, np.float64)
    constant = np.log(estimator.weights_) - 0.5 * n_features * np.log(2 * np.pi)
    if kind in ("diag", "spherical"):
        diagonal = roots if kind == "diag" else np.repeat(roots[:, None], n_features, axis=1)
        return Gaussian(means, 1 / diagonal**2, constant + np.log(diagonal).sum(axis=1), rule)
    if kind == "tied":
        roots = np.repeat(roots[None], n_components, axis=0)
    # |(x - mean) · root|², and root's determinant is the product of its diagonal.
    maps = np.swapaxes(roots, 1, 2)
    constant = constant + np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    offsets = -np.einsum("vrf,vf->vr", maps, means)
    return Quadratic(maps.copy(), offsets, constant, rule)


def _envelope(estimator: Any, name: str) -> Quadratic:
    if not hasattr(estimator, "offset_"):
        raise UnsupportedModel(f"{name} is not fitted; call fit(X) first")
    # precision = Σ eigenvalue · vector vectorᵀ; what is not above 0 adds nothing.
    eigenvalues, vectors = np.linalg.eigh(np.asarray(estimator.get_precision(), np.float64))
    maps = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0) * 2)).T
    offset = -maps @ np.asarray(estimator.location_, np.float64)
    constant = np.array([-float(estimator.offset_)])
    return Quadratic(maps[None], offset[None], constant, Verdict("at-least", "decision", 2))


def answers(
    estimator: Any, ir: Gaussian | Quadratic, X: npt.ArrayLike
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Scores (n_rows, n_scores) and winners (n_rows,) of the estimator itself."""
    if ir.verdict.decide == "at-least":
        values = np.asarray(estimator.decision_function(X), np.float64).reshape(-1, 1)
        return ir.verdict.judge(values).scores, (np.asarray(estimator.predict(X)) > 0).astype(np.intp)
    return np.asarray(estimator.predict_proba(X), np.float64), np.asarray(estimator.predict(X), np.intp)
