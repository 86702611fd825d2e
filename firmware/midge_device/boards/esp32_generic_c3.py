"""Any ESP32-C3 module, with a breakout on I2C0: SDA GPIO5, SCL GPIO6, INT1 GPIO4."""

from midge_device.boards import open_imu

NAME = "esp32_generic_c3"
TITLE = "ESP32-C3 module"
MICROPYTHON = "ESP32_GENERIC_C3"
MACHINES = ("ESP32C3 module",)
TARGET = "rv32imc"
USB = ()  # the chip's own 303a:1001 is that of any program
RAM_BYTES = 400 * 1024
FLASH_BYTES = 4 * 1024 * 1024
BLE = "ESP32-C3"
WIFI = "ESP32-C3"
I2S = "1.25 and later"
SENSORS = ()
MICROPHONE = ""
I2C_ID = 0
SDA_PIN = 5
SCL_PIN = 6
INT1_PIN = 4
AXES = (1, 2, 3)  # a breakout flat on the board, as it is
CURRENTS = (("deep sleep", 0.005, "ESP32-C3 datasheet §4.6; the chip alone, boards take more"),)
SHOWN = ("native modules, in emulation of the processor",)
SOURCES = (
    "ESP32-C3 datasheet",
    "MicroPython ports/esp32/boards/ESP32_GENERIC_C3/mpconfigboard.h: name, I2S, flash of 4 MiB or more",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
