"""Sensor chips at register level: one file each, written from the datasheet, and one line in `CHIPS`."""

from __future__ import annotations

import importlib
from typing import Protocol

from ..motion import Motion

CHIPS = {
    "lis3dh": "Lis3dh",
    "lsm6dsox": "Lsm6dsox",
    "lsm6dsl": "Lsm6dsl",
    "lsm6ds3": "Lsm6ds3",
    "mpu6050": "Mpu6050",
    "mpu6500": "Mpu6500",
    "mpu6886": "Mpu6886",
    "adxl345": "Adxl345",
}


class Chip(Protocol):
    """What the bus and the board see of a chip. Times are board time in µs and never go back."""

    ADDRESS: int

    def write(self, data: bytes) -> None:
        """One write transaction, without the address byte."""

    def read(self, n_bytes: int) -> bytes:
        """One read transaction."""

    def advance(self, now_us: int) -> None:
        """Let the chip work until `now_us`."""

    def next_interrupt_us(self) -> int | None:
        """When the level of its interrupt pin will change next if nobody talks to it, or None."""

    def interrupt_level(self) -> int:
        """Level of its interrupt pin INT1 now, 0 or 1."""


def make(name: str, motion: Motion, now_us: int) -> Chip:
    """A chip that gets its supply at `now_us` and feels `motion`."""
    chip: Chip = getattr(importlib.import_module(f".{name}", __name__), CHIPS[name])(motion, now_us)
    return chip
