"""Facts of the chips that boards have: clock, current, and how many cycles their instructions take.

Clocks are those that MicroPython's firmware starts with; currents are typical ones of the chip alone, running
from its usual memory at that clock, where its datasheet gives one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chip:
    """One chip.

    Attributes
    ----------
    target : str
        instruction set, as in `targets.TARGETS`
    current_ma : float or None
        while it computes, the radio off
    source : str
        where clock and current are from
    """

    name: str
    target: str
    clock_hz: int
    current_ma: float | None
    source: str


CHIPS = (
    Chip("RP2040", "armv6m", 125_000_000, None, "MicroPython ports/rp2 (machine.freq())"),
    Chip("RP2350", "armv7emsp", 150_000_000, None, "MicroPython ports/rp2 (machine.freq())"),
    Chip(
        "nRF52840",
        "armv7emsp",
        64_000_000,
        3.3,
        "nRF52840 product specification: CoreMark from flash, DC/DC, 3 V",
    ),
    Chip("STM32F405", "armv7emsp", 168_000_000, None, "MicroPython ports/stm32, boards/PYBV11"),
    Chip("STM32F767", "armv7emdp", 216_000_000, None, "MicroPython ports/stm32, boards/PYBD_SF6"),
    Chip(
        "ESP32-C3",
        "rv32imc",
        160_000_000,
        23.0,
        "ESP32-C3 datasheet: modem sleep, CPU running, peripherals off",
    ),
    Chip("ESP32", "xtensawin", 160_000_000, None, "MicroPython ports/esp32 (machine.freq())"),
)

# Cycles an instruction in the mean of a program, fewest and most, without wait states of the memory: modules
# run from RAM. Arm: the instruction timings in the technical reference manuals of Cortex-M0+, M3, M4 and M7
# (loads two cycles, or one behind each other; taken branches two to four; the M7 two instructions at once).
# Most on Cortex-M3 to M7 takes the loop of nets, where one instruction loads four words: 28 cycles for 13
# instructions, 20 on an M7. The others: one cycle for most instructions, two and more for loads and taken
# branches.
CYCLES = {
    "armv6m": (1.1, 1.7),
    "armv7m": (1.1, 2.2),
    "armv7emsp": (1.1, 2.2),
    "armv7emdp": (0.6, 1.6),
    "rv32imc": (1.1, 2.0),
    "xtensawin": (1.1, 2.2),
}


def of_target(target: str) -> list[Chip]:
    """Chips with an instruction set; none for a machine of no fixed clock (x64)."""
    return [chip for chip in CHIPS if chip.target == target]
