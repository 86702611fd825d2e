"""A logarithmic axis that people can read: plain numbers, few of them, whatever the span."""

from __future__ import annotations

from typing import Any

# Narrower than this many times, ticks are at even steps; wider than that, at powers of ten only.
NARROW, WIDE = 6.0, 3000.0


def log_x(axes: Any) -> None:
    """Make the x axis of matplotlib `axes` logarithmic; call it when everything is drawn."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    subs = (1.0, 2.0, 5.0) if high / low < WIDE else (1.0,)
    axis = axes.xaxis
    axis.set_major_locator(MaxNLocator(5) if high / low < NARROW else LogLocator(subs=subs))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))
