"""Published figures, quoted for peers that are not installed: by GCC or clang -O2, with their libraries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quoted:
    """What was measured elsewhere on the same work.

    Attributes
    ----------
    package : str
        the peer; the row is left out if it was measured here
    instructions : dict of str to float
        by target
    flash_bytes : dict of str to float
        by target; empty if unknown
    wrong : str
        what was said of its answers
    """

    package: str
    name: str
    instructions: dict[str, float]
    flash_bytes: dict[str, float]
    wrong: str = ""


def _row(
    package: str, name: str, instructions: tuple[float, float], kb: tuple[float, ...] = (), wrong: str = ""
) -> Quoted:
    names = ("armv6m", "armv7emsp")
    flash = {target: 1000 * figure for target, figure in zip(names, kb, strict=False)}
    return Quoted(package, name, dict(zip(names, instructions, strict=True)), flash, wrong)


QUOTED: dict[str, tuple[Quoted, ...]] = {
    "forest-10x8": (
        _row("emlearn", "emlearn inline, hard votes", (607, 408), (30.8, 24.9), "8 of 100"),
        _row("emlearn", "emlearn inline, soft votes", (19_250, 965), (40.5, 29.1), "0"),
        _row("emlearn-micropython", "emlearn-micropython's C core", (3725, 1096), (15.0, 12.8), "8 of 100"),
        _row("m2cgen", "m2cgen, double", (14_364, 6107), (86, 86), "0"),
        _row("m2cgen", "m2cgen, edited to float", (7946, 957), (58, 61), "0"),
        _row("micromlgen", "micromlgen", (3627, 457), (51.6, 51.6), "8 of 100"),
        _row("everywhereml", "everywhereml", (4097, 564), (42.9, 42.9), "6 of 100"),
        _row("tl2cgen", "tl2cgen", (17_303, 9377), (252, 252), "0"),
    ),
    "forest-100x10": (
        _row("emlearn", "emlearn inline, hard votes", (4636, 3315), (180, 180), "some"),
        _row("everywhereml", "best float peer", (33_621, 4685), (), "some"),
    ),
    "boosting-20x3": (_row("tl2cgen", "tl2cgen", (76_135, 40_767)),),
    "mlp-64-32-10": (
        _row("cmsis-nn", "CMSIS-NN, s8", (19_392, 6799)),
        _row("emlearn", "emlearn net, float", (431_580, 16_840)),
    ),
    "mlp-24-16-16-6": (_row("cmsis-nn", "CMSIS-NN, s8", (9213, 3712)),),
    "svc-rbf": (
        _row("m2cgen", "m2cgen, double", (4_880_000, 1_670_000)),
        _row("m2cgen", "m2cgen, edited to float", (2_330_000, 73_800)),
        _row("micromlgen", "micromlgen", (15_200_000, 4_870_000)),
    ),
    "svc-linear": (_row("m2cgen", "m2cgen, edited to float", (172_000, 2585)),),
    "linear-svc": (_row("m2cgen", "m2cgen, edited to float", (117_000, 1659)),),
    "gaussian-nb": (_row("emlearn", "emlearn Bayes", (376_000, 58_800)),),
    "neighbors": (_row("emlearn", "emlearn neighbours", (930_000, 705_000)),),
    "fft-256": (
        _row("cmsis", "CMSIS-DSP, q15", (32_291, 9886), (37, 37)),
        _row("cmsis", "CMSIS-DSP, float", (446_000, 11_900)),
        _row("emlearn", "emlearn, float", (921_000, 46_500)),
    ),
}
