"""What a search may try: families, their parameters, how many features, compression, the module's layout."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import learners, validation
from ..compress import techniques

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
# What makes a module smaller that is over the budget; its strength is the share that is left.
TECHNIQUES = {
    **dict.fromkeys(("forest", "extra-trees", "boosting"), "prune"),
    "net": "neurons",
    "svm": "vectors",
}


@dataclass(frozen=True)
class Candidate:
    """One thing to try; `left`: the share that compression by the family's technique leaves, 1 = none."""

    family: str
    params: Mapping[str, float]
    layout: str
    left: float = 1.0

    @property
    def name(self) -> str:
        """It in words, the same for the same candidate."""
        values = " ".join(f"{key} {value:g}" for key, value in sorted(self.params.items()))
        return f"{self.family} {values}{self._compression} {self.layout}"

    @property
    def fits(self) -> int:
        """What one fit of it counts for: what is made smaller is tuned again."""
        return 1 if self.left == 1 else 2

    @property
    def _compression(self) -> str:
        return "" if self.left == 1 else f", {TECHNIQUES[self.family]} {self.left:g}"

    @property
    def fit_name(self) -> str:
        """What it is fitted with, in words: layouts share their fits."""
        return self.name.removesuffix(self.layout).rstrip()

    @property
    def title(self) -> str:
        """What differs from the family's usual values, for people."""
        return f"{validation.name_of(self.family, self.params)}{self._compression}, {self.layout}"

    def to_json(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "params": dict(self.params),
            "layout": self.layout,
            "compressed": None if self.left == 1 else [TECHNIQUES[self.family], self.left],
            "title": self.title,
        }


def sample(families: tuple[str, ...], n_features: int, n: int, seed: int) -> list[Candidate]:
    """`n` different candidates, or all if there are fewer; families take turns, the first being the usual."""
    rng = np.random.default_rng(seed)
    found: dict[str, Candidate] = {}
    for turn in range(50 * n):
        if len(found) >= n:
            break
        family = families[turn % len(families)]
        params = learners.LEARNERS[family].defaults()
        if turn >= len(families):
            params |= {key: float(rng.choice(values)) for key, values in VALUES[family].items()}
            params["features"] = float(rng.choice(_feature_counts(n_features)))
        candidate = _candidate(family, params, LAYOUTS[int(rng.integers(len(LAYOUTS)))])
        found.setdefault(candidate.name, candidate)
    return list(found.values())


def compressed(candidate: Candidate, excess: float) -> Candidate | None:
    """The candidate with so little left that `excess` times the budget may do; None if nothing is for it."""
    if candidate.left != 1 or candidate.family not in TECHNIQUES:
        return None
    strengths = techniques.TECHNIQUES[TECHNIQUES[candidate.family]].strengths
    share = max((one for one in strengths if one * excess <= 1), default=None)
    return None if share is None else replace(candidate, left=share)


def neighbours(candidate: Candidate, n_features: int) -> list[Candidate]:
    """Candidates that differ in one value, by one step up or down, or in the layout."""
    found = []
    for key, values in {**VALUES[candidate.family], "features": tuple(_feature_counts(n_features))}.items():
        # All features there are is the most.
        order = [n_features if key == "features" and value == 0 else value for value in values]
        here = candidate.params[key] or (n_features if key == "features" else 0)
        below = [value for value in order if value < here]
        above = [value for value in order if value > here]
        for value in (*below[-1:], *above[:1]):
            step = 0 if key == "features" and value == n_features else value
            params = {**candidate.params, key: step}
            found.append(_candidate(candidate.family, params, candidate.layout, candidate.left))
    other = LAYOUTS[1 - LAYOUTS.index(candidate.layout)]
    return [*found, replace(candidate, layout=other)]


def in_turns(lists: Sequence[Sequence[Candidate]], known: Collection[str], seed: int) -> list[Candidate]:
    """What is not known by name, each list in random order; lists take turns."""
    rng = np.random.default_rng(seed)
    there = [[one for one in each if one.name not in known] for each in lists]
    mixed = [[each[place] for place in rng.permutation(len(each))] for each in there]
    turns = itertools.chain.from_iterable(itertools.zip_longest(*mixed))
    return list({one.name: one for one in turns if one is not None}.values())


def with_fewer_features(candidate: Candidate, n_features: int) -> list[Candidate]:
    """Its neighbours that read less."""
    most = candidate.params["features"] or n_features
    return [one for one in neighbours(candidate, n_features) if 0 < one.params["features"] < most]


def _feature_counts(n_features: int) -> list[int]:
    return [count for count in FEATURES if count < n_features] + [0]


def _candidate(family: str, params: Mapping[str, float], layout: str, left: float = 1.0) -> Candidate:
    known = learners.LEARNERS[family].parameters
    whole = {key for key, one in known.items() if isinstance(one.default, int)}
    typed = {key: int(value) if key in whole else value for key, value in params.items()}
    return Candidate(family, typed, layout, left)
