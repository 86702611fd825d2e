"""Names of the techniques, in their usual order; light, so that recipes can check them."""

from __future__ import annotations

# Distillation begins anew, so it is asked for by name.
USUAL = ("drop", "prune", "leaves", "neurons", "rank", "weights", "bits", "vectors")
NAMES = ("distil", *USUAL)
USUAL_LOSS = 0.01
USUAL_TARGET = "armv6m"
