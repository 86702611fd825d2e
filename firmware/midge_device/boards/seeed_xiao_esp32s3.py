"""Seeed Studio XIAO ESP32S3 (and Sense), with a breakout on I2C0: SDA GPIO5, SCL GPIO6, INT1 GPIO4."""

from midge_device.boards import open_imu

NAME = "seeed_xiao_esp32s3"
TITLE = "Seeed Studio XIAO ESP32S3"
MICROPYTHON = "SEEED_XIAO_ESP32S3"
MACHINES = ("Seeed XIAO ESP32S3",)
TARGET = "xtensawin"
USB = ((0x303A, 0x4001),)
RAM_BYTES = 512 * 1024
FLASH_BYTES = 8 * 1024 * 1024
BLE = "ESP32-S3"
WIFI = "ESP32-S3"
I2S = "all releases"
SENSORS = ()
MICROPHONE = "PDM on the Sense: clock GPIO42, data GPIO41"
I2C_ID = 0
SDA_PIN = 5
SCL_PIN = 6
INT1_PIN = 4
AXES = (1, 2, 3)  # a breakout flat on the board, as it is
CURRENTS = (("light sleep", 0.24, "ESP32-S3 datasheet; the chip alone, boards take more"),)
SHOWN = ("native modules, in emulation of the processor",)
SOURCES = (
    "Seeed wiki, XIAO ESP32S3",
    "MicroPython ports/esp32/boards/SEEED_XIAO_ESP32S3/mpconfigboard.h, pins.csv: name, pins",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
