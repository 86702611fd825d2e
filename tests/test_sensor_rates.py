"""Rates of boards: what the drivers have themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midge import sensor_rates

DRIVERS = Path(__file__).resolve().parents[1] / "firmware" / "midge_device" / "drivers"


def test_usual_rates_are_those_of_the_drivers() -> None:
    """Read from the sources: drivers need a board's modules to be imported."""
    lis3dh = re.search(r"^_RATES = \{(.*)\}$", (DRIVERS / "lis3dh.py").read_text(), re.MULTILINE)
    assert lis3dh is not None
    assert set(sensor_rates.USUAL_HZ) <= {float(pair.split(":")[0]) for pair in lis3dh[1].split(",")}
    lsm6 = re.search(r"^RATES = \{(.*)\}$", (DRIVERS / "lsm6.py").read_text(), re.MULTILINE)
    assert lsm6 is not None
    rates = [float(pair.split(":")[0]) for pair in lsm6[1].split(",")]
    for usual in sensor_rates.USUAL_HZ[1:]:
        assert any(abs(rate / usual - 1) <= sensor_rates.TOLERANCE for rate in rates), usual


@pytest.mark.parametrize(
    ("rate_hz", "usual", "below"), [(52, True, 50), (62.5, False, 50), (9, False, 10), (119, False, 100)]
)
def test_what_suits_boards(rate_hz: float, usual: bool, below: int) -> None:
    assert sensor_rates.is_usual(rate_hz) is usual and sensor_rates.usual_below(rate_hz) == below
