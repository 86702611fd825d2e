"""What a search may try: families, their parameters, how many features, and the layout of the module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import learners

# Values worth trying, cheap to dear; what is not named stays at the family's default.
VALUES: dict[str, dict[str, tuple[float, ...]]] = {
    "forest": {"trees": (3, 5, 10, 20, 40, 80), "depth": (3, 5, 7, 10, 14), "min_leaf": (1, 2, 4, 8)},
    "extra-trees": {"trees": (5, 10, 20, 40, 80), "depth": (5, 8, 11, 14), "min_leaf": (1, 2, 4, 8)},
    "boosting": {"rounds": (5, 10, 20, 40, 80), "depth": (1, 2, 3, 4), "rate": (0.05, 0.1, 0.2, 0.4)},
    "linear": {"c": (0.001, 0.01, 0.1, 1.0, 10.0)},
    "svm": {"c": (1.0, 3.0, 10.0, 30.0), "gamma": (0.1, 0.25, 0.5, 1.0)},
    "net": {"hidden": (4, 8, 16, 32, 64), "members": (1, 3), "alpha": (0.01, 0.1, 0.3, 3.0)},
    "gaussian": {},
}
FEATURES = (4, 8, 16, 32, 64)  # and all there are
LAYOUTS = ("code", "table")


@dataclass(frozen=True)
class Candidate:
    """One thing to try."""

    family: str
    params: Mapping[str, float]
    layout: str

    @property
    def name(self) -> str:
        """It in words, the same for the same candidate."""
        values = " ".join(f"{key} {value:g}" for key, value in sorted(self.params.items()))
        return f"{self.family} {values} {self.layout}"

    def to_json(self) -> dict[str, Any]:
        return {"family": self.family, "params": dict(self.params), "layout": self.layout}


def sample(families: tuple[str, ...], n_features: int, n: int, seed: int) -> list[Candidate]:
    """`n` different candidates, or all if there are fewer; families take turns, the first being the usual."""
    rng = np.random.default_rng(seed)
    counts = [count for count in FEATURES if count < n_features] + [0]
    found: dict[str, Candidate] = {}
    for turn in range(50 * n):
        if len(found) >= n:
            break
        family = families[turn % len(families)]
        params = learners.LEARNERS[family].defaults()
        if turn >= len(families):
            params |= {key: float(rng.choice(values)) for key, values in VALUES[family].items()}
            params["features"] = int(rng.choice(counts))
        whole = {
            key for key, one in learners.LEARNERS[family].parameters.items() if isinstance(one.default, int)
        }
        params = {key: int(value) if key in whole else value for key, value in params.items()}
        candidate = Candidate(family, params, LAYOUTS[int(rng.integers(len(LAYOUTS)))])
        found.setdefault(candidate.name, candidate)
    return list(found.values())
