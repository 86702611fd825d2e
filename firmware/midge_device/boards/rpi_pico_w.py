"""Raspberry Pi Pico W, with a breakout on I2C0: SDA GP4, SCL GP5, INT1 GP6."""

from midge_device.boards import open_imu

NAME = "rpi_pico_w"
TITLE = "Raspberry Pi Pico W"
MICROPYTHON = "RPI_PICO_W"
MACHINES = ("Raspberry Pi Pico W with",)
TARGET = "armv6m"
USB = ((0x2E8A, 0x0005),)
BOOTLOADER = "RPI-RP2"
RAM_BYTES = 264 * 1024
FLASH_BYTES = 2 * 1024 * 1024
BLE = "CYW43439"
WIFI = "CYW43439"
I2S = "all releases"
SENSORS = ()
MICROPHONE = ""
I2C_ID = 0
SDA_PIN = 4
SCL_PIN = 5
INT1_PIN = 6
AXES = (1, 2, 3)  # a breakout flat on the Pico, pin 1 to pin 1
CURRENTS = ()
SHOWN = ()
SOURCES = ("Raspberry Pi Pico W datasheet", "MicroPython ports/rp2/mpconfigport.h: USB ids, I2S")


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
