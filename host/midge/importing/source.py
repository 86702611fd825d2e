"""What the person says of the files: everything that `midge import` can be told, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import DatasetError
from . import gyro, units
from .columns import Spec
from .intervals import Intervals

KINDS = ("auto", "motion", "sound")


@dataclass(frozen=True)
class Source:
    """How to understand the files and what to make of them.

    Attributes
    ----------
    columns : Spec or None
        None: by their names, or by their place if there are three or four
    unit : str
        g, mg, m/s^2, N/g for raw counts, or auto: what the file says, else by gravity
    gyro_unit : str
        deg/s, rad/s, mdps, N/dps for raw counts; auto: what the file says, else by how gravity turns; none:
        a gyroscope is left out
    rate_hz : float or None
        of files that have no time stamps
    to_hz : float or None
        the dataset's rate; None = `rate_hz`, or what the files declare if they all declare the same
    range_g : float
        full scale of the int16; `range_dps` that of a gyroscope's, degrees/s
    needs_gyro : bool
        a file without a gyroscope is an error
    label, group : str
        for recordings that nothing else names
    intervals : Intervals or None
        labels from a file of their own; they win over the path's
    relabel : dict
        old label → new one; '' leaves recordings of the old one out
    known_labels : tuple or None
        the app's; another one is an error
    """

    columns: Spec | None = None
    unit: str = units.AUTO
    rate_hz: float | None = None
    to_hz: float | None = None
    range_g: float = 4.0
    range_dps: float = 1000.0
    gyro_unit: str = units.AUTO
    needs_gyro: bool = False
    kind: str = "auto"
    label: str = ""
    group: str = ""
    intervals: Intervals | None = None
    relabel: Mapping[str, str] = field(default_factory=dict)
    known_labels: tuple[str, ...] | None = None
    hmac_key: str | None = None
    encoding: str = ""
    is_forwarder: bool = False
    drop_rows: bool = False
    fill_axes: bool = False
    trust_unit: bool = False

    def check(self) -> None:
        """Raises DatasetError for a number that nothing has, or an unknown unit."""
        for option, value in (("rate", self.rate_hz), ("resample", self.to_hz), ("range", self.range_g)):
            low, high = (1e-3, 1e3) if option == "range" else (1e-3, 1e6)
            # Written so that NaN fails as well.
            if value is not None and not low <= value <= high:
                raise DatasetError(f"--{option} {value:g}: it must be {low:g} to {high:g}")
        if self.unit != units.AUTO:
            units.to_g(self.unit)
        if not 1.0 <= self.range_dps <= 1e5:
            raise DatasetError(f"--gyro-range {self.range_dps:g}: it must be 1 to 100000 degrees/s")
        if self.gyro_unit not in (units.AUTO, gyro.NONE):
            gyro.to_dps(self.gyro_unit)
