"""Seeed Studio XIAO nRF52840 Sense: LSM6DS3TR-C on the board, fed by P1.08; PDM microphone."""

from midge_device.boards import open_imu

NAME = "seeed_xiao_nrf52"
TITLE = "Seeed Studio XIAO nRF52840 Sense"
MICROPYTHON = "SEEED_XIAO_NRF52"
MACHINES = ("XIAO nRF52840 Sense",)
TARGET = "armv7emsp"
USB = ((0x2886, 0x0045),)
RAM_BYTES = 256 * 1024
FLASH_BYTES = 1024 * 1024
BLE = ""
WIFI = ""
I2S = ""
SENSORS = ("lsm6dsl",)
MICROPHONE = "PDM: clock P1.00, data P0.16"
I2C_ID = 0
SDA_PIN = 7
SCL_PIN = 27
INT1_PIN = 11
POWER_PIN = 32 + 8
AXES = None
CURRENTS = ()
NOTE = (
    "somebody could not reach its sensor from MicroPython (forum.seeedstudio.com/t/284097); "
    "machine.deepsleep() only resets it"
)
SHOWN = ()
SOURCES = (
    "MicroPython ports/nrf/boards/SEEED_XIAO_NRF52/pins.csv: pins of sensor and microphone",
    "MicroPython ports/nrf/boards/SEEED_XIAO_NRF52/mpconfigboard.h: name, USB ids; no bluetooth",
    "MicroPython ports/nrf/modules/machine/modmachine.c: deepsleep",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
