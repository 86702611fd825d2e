"""What a smaller model loses, and what it may lose on people or machines that nobody has recorded yet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..validation import Keys

# Standard errors between what was seen and what is promised: 19 of 20 times it is no more, on one side.
SURE = 1.645

Right = npt.NDArray[np.bool_]


class Loss(NamedTuple):
    """Accuracy lost on the rows that judged, and at most, as far as their groups tell, on those of others."""

    seen: float
    at_most: float


def lost(before: Right, after: Right, keys: Keys) -> Loss:
    """The loss from `before` to `after`, each (n_rows,): whether the row's answer is right.

    Both answer the same rows, so only rows that change tell anything. Those of one group change together, so
    groups are what is counted, as clusters of one ratio; their spread is never taken for less than that of
    the changed rows, were each on its own, as few groups may agree by luck.

    Source: W. Cochran, "Sampling Techniques", 1977, section 9A.
    """
    change = before.astype(np.int64) - after.astype(np.int64)
    _, group = np.unique(keys, return_inverse=True)
    n_rows, n_groups = len(change), int(group.max(initial=-1)) + 1
    if not n_rows:
        return Loss(0.0, 0.0)
    seen = float(change.mean())
    apart = np.bincount(group, change - seen, n_groups)
    of_groups = np.sqrt((apart**2).sum() * n_groups / (n_groups - 1)) if n_groups > 1 else 0.0
    of_rows = np.sqrt((change**2).sum())
    return Loss(seen, seen + SURE * float(max(of_groups, of_rows)) / n_rows)
