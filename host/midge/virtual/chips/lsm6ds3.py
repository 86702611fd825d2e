"""STMicroelectronics LSM6DS3, at register level on I2C: the LSM6DSL's registers, a FIFO of 4096 words.

Written from the datasheet DocID026899 (sections are cited by register name); its level and threshold have
twelve bits: DIFF_FIFO[11:0], FTH[11:0]. Not there: what `lsm6dsl.py` says.
"""

from __future__ import annotations

from typing import ClassVar

from .lsm6dsl import Lsm6dsl


class Lsm6ds3(Lsm6dsl):
    """One chip, from the moment it gets its supply."""

    IDENTITY = 0x69
    WORDS = 4096  # 8 kbytes
    RESET_VALUES: ClassVar = {}  # of registers that nobody uses here: not looked up
