"""What a reader makes of one file: samples in the file's own unit, when they were taken, words of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """The samples of one file, before unit and rate are made midge's own.

    Attributes
    ----------
    samples : (n, channels)
        acceleration and, behind it, a gyroscope's if there is one, in the file's units; sound in full
        scales, n × 1
    stamps : (n,) or None
        time stamps, counted in `stamp_unit` from any origin
    stamp_unit : str
        s, ms, us, ns, or '' if the numbers have to tell
    rows : (n,)
        the file's row of each sample, counted from 1
    index : (n,) or None
        number of each sample where some are known to be missing and there are no stamps
    words : dict
        label, group, take: a word for each sample
    rate_hz : float or None
        what the file itself declares
    unit : str
        what the file itself says, '' if it does not; `gyro_unit` of a gyroscope's channels
    label : str
        of the file as a whole, '' if it has none
    kind : str
        motion or sound
    says : tuple of str
        what was assumed, for the person to check
    """

    samples: Floats
    rows: npt.NDArray[np.int64]
    stamps: Floats | None = None
    stamp_unit: str = ""
    index: npt.NDArray[np.int64] | None = None
    words: dict[str, list[str]] = field(default_factory=dict)
    rate_hz: float | None = None
    unit: str = ""
    gyro_unit: str = ""
    label: str = ""
    kind: str = "motion"
    dropped: int = 0
    says: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pcm: npt.NDArray[np.int16] | None = None
