"""Fewer support vectors: middles of them, with coefficients fitted anew to what the machine said.

Source of the two steps: B. Schölkopf et al., "Input Space versus Feature Space in Kernel-Based
Methods", 1999.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..compile import kernel, verdict
from ..compile.ir import FloatArray
from ..compile.kernel import Kernel

RIDGE = 1e-4


def reduce(ir: Kernel, X: npt.NDArray[np.int16], share: float, seed: int) -> Kernel | None:
    """The machine with `share` of the vectors of each class; None for a polynomial kernel."""
    if ir.function != "rbf":
        return None
    ends = np.cumsum(ir.counts)
    weight = np.abs(ir.coefficients).sum(axis=0)
    parts = []
    for start, end in zip(ends - ir.counts, ends, strict=True):
        n_kept = max(1, round(share * (end - start)))
        parts.append(_middles(ir.vectors[start:end], weight[start:end], ir.metric, n_kept, seed))
    vectors = np.concatenate(parts)
    counts = np.array([len(part) for part in parts], np.int32)
    rows = np.asarray(X, np.float64)
    said = kernel.values(ir, rows)
    alike = replace(
        ir,
        vectors=vectors,
        counts=counts,
        coefficients=np.zeros((len(ir.coefficients), len(vectors))),
        offsets=np.zeros(len(vectors)),
    )
    answers = np.column_stack([kernel.similarities(alike, rows), np.ones(len(rows))])
    ends = np.cumsum(counts)
    starts = ends - counts
    bias = ir.bias.copy()
    duels = verdict.pairs(len(counts)) if len(counts) > 1 else [(0, 0)]
    for number, (i, j) in enumerate(duels):
        of_i, of_j = np.arange(starts[i], ends[i]), np.arange(starts[j], ends[j])
        columns = np.append(of_i if i == j else np.concatenate([of_i, of_j]), len(vectors))
        found = _fitted(answers[:, columns], said[:, number])
        # Row j - 1 over the vectors of i, row i over those of j; with one group row 0.
        alike.coefficients[max(j - 1, 0), of_i] = found[: len(of_i)]
        if i != j:
            alike.coefficients[i, of_j] = found[len(of_i) : -1]
        bias[number] = found[-1]
    return replace(alike, bias=bias)


def _middles(
    vectors: FloatArray, weight: FloatArray, metric: FloatArray, n_kept: int, seed: int
) -> FloatArray:
    from sklearn.cluster import KMeans

    if n_kept >= len(vectors):
        return vectors
    # Features that the kernel does not look at stay 0.
    root = np.sqrt(metric)
    with warnings.catch_warnings():
        # Vectors that are there twice make fewer middles than asked for.
        warnings.simplefilter("ignore")
        found = KMeans(n_kept, n_init=1, random_state=seed).fit(vectors * root, sample_weight=weight)
    middles: FloatArray = found.cluster_centers_ / np.where(root > 0, root, 1.0)
    return middles


def _fitted(answers: FloatArray, said: FloatArray) -> FloatArray:
    """Least squares with a ridge, around what the rows say on average."""
    square = answers.T @ answers / len(answers) + RIDGE * np.eye(answers.shape[1])
    return np.asarray(np.linalg.solve(square, answers.T @ said / len(said)), np.float64)
