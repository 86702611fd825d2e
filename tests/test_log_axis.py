"""Logarithmic axes: two numbers or more, none with an exponent, none in another's way."""

from __future__ import annotations

import itertools

import pytest
from matplotlib.figure import Figure

from midge.log_axis import log_x


@pytest.mark.parametrize("span", [(1100, 1300), (0.8, 8), (300, 40_000), (100, 3_000_000)])
def test_numbers_are_plain_and_apart(span: tuple[float, float]) -> None:
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    axes.scatter(span, (0, 1))
    log_x(axes)
    figure.canvas.draw()
    low, high = axes.get_xlim()
    shown = [label for label in axes.get_xticklabels(which="both") if low <= label.get_position()[0] <= high]
    shown = [label for label in shown if label.get_text()]
    assert len(shown) >= 2
    assert all(label.get_text().replace(".", "").isdigit() for label in shown)
    boxes = [label.get_window_extent() for label in shown]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))
