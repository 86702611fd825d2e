"""The physical checks can fail: a board whose sources were changed in one place turns its own check red."""

from __future__ import annotations

import numpy as np
import pytest

from midge.virtual import Scene, VirtualBoard

from .conftest import install, values

# x climbs by 0.01 g a sample; y and z stand still and differ.
STEP_G, Y_G, Z_G = 0.01, -0.504, 0.752
LSB_PER_G = 8192
# One digit of the chip's FIFO (8 mg), and the rounding.
NEAR = 0.008 * LSB_PER_G + 2

READ = """
import time
from midge_device.boards import virtual as case
from midge_device.sampler import Sampler
sampler = Sampler(case.imu(100, 4), case.AXES)
sampler.start()
seen = []
while len(seen) < 192:
    if sampler.poll():
        seen += list(sampler.block)
    time.sleep_ms(5)
print(seen)
"""

DRIVER, CASE = "drivers/lis3dh.py", "boards/virtual.py"
AXES = "AXES = (1, 2, 3)"
BURST = "        self._i2c.readfrom_mem_into(self._address, _OUT_X_L | _AUTO_INCREMENT, block)\n"
BACKWARDS = """        for i in range(n // 2):
            for c in range(3):
                a, b = 3 * i + c, 3 * (n - 1 - i) + c
                block[a], block[b] = block[b], block[a]
"""

# name → file below midge_device, its text, what becomes of it, the checks that turn red
SABOTAGE = {
    "nothing": (DRIVER, BURST, BURST, set()),
    "FIFO order": (DRIVER, BURST, BURST + BACKWARDS, {"order"}),
    "one axis sign": (CASE, AXES, "AXES = (1, -2, 3)", {"y"}),
    "another axis sign": (CASE, AXES, "AXES = (1, 2, -3)", {"z"}),
    "two axes swapped": (CASE, AXES, "AXES = (1, 3, 2)", {"y", "z"}),
    "full scale of another range": (DRIVER, "4: (0x10, 8000)", "4: (0x20, 8000)", {"order", "y", "z"}),
    # 2.4 % off: as if the LSB were those of the datasheet's round figure.
    "scale": (DRIVER, "4: (0x10, 8000)", "4: (0x10, 8192)", {"y", "z"}),
}


def red(samples: np.ndarray) -> set[str]:
    """The checks that canonical samples (n, 3) of the scene fail."""
    steps = np.diff(samples[:, 0])
    wrong = {
        "order": np.abs(steps - STEP_G * LSB_PER_G).max() > NEAR,
        "y": np.abs(samples[:, 1] - Y_G * LSB_PER_G).max() > NEAR,
        "z": np.abs(samples[:, 2] - Z_G * LSB_PER_G).max() > NEAR,
    }
    return {name for name, is_red in wrong.items() if is_red}


@pytest.mark.parametrize("name", SABOTAGE)
def test_each_sabotage_turns_its_own_check_red(name: str) -> None:
    where, before, after, expected = SABOTAGE[name]
    x = -1.0 + STEP_G * np.arange(300)
    scene = Scene(np.stack([x, np.full(300, Y_G), np.full(300, Z_G)], axis=1), 100.0)
    with VirtualBoard(scene=scene) as board:
        install(board.folder)
        path = board.folder / "lib" / "midge_device" / where
        text = path.read_text()
        assert text.count(before) == 1, "the text to sabotage is not there any more"
        path.write_text(text.replace(before, after))
        samples = np.array(values(board, READ)[0]).reshape(-1, 3)
    assert red(samples) == expected
