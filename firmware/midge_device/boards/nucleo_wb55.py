"""STM32 NUCLEO-WB55 (P-NUCLEO-WB55), with a breakout on I2C1: SDA B9 (D14), SCL B8 (D15), INT1 C6 (D2).

The firmware fixes the pins of its I2C1, so they are not given.
"""

from midge_device.boards import open_imu

NAME = "nucleo_wb55"
TITLE = "ST NUCLEO-WB55"
MICROPYTHON = "NUCLEO_WB55"
MACHINES = ("NUCLEO-WB55",)
TARGET = "armv7emsp"
USB = ((0xF055, 0x9800),)
RAM_BYTES = 256 * 1024
FLASH_BYTES = 1024 * 1024
BLE = "STM32WB55, with ST's wireless firmware"
WIFI = ""
I2S = ""
SENSORS = ()
MICROPHONE = ""
I2C_ID = 1
INT1_PIN = "C6"
AXES = (1, 2, 3)  # a breakout flat on the board, as it is
CURRENTS = ()
SHOWN = ()
SOURCES = (
    "ST UM2435, UM2819: connectors",
    "MicroPython ports/stm32/boards/NUCLEO_WB55/mpconfigboard.h, pins.csv: name, pins",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
