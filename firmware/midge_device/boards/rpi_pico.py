"""Raspberry Pi Pico, with a breakout on I2C0: SDA GP4, SCL GP5, INT1 GP6."""

from midge_device.boards import open_imu

NAME = "rpi_pico"
TITLE = "Raspberry Pi Pico"
MICROPYTHON = "RPI_PICO"
MACHINES = ("Raspberry Pi Pico with",)
TARGET = "armv6m"
USB = ((0x2E8A, 0x0005),)
BOOTLOADER = "RPI-RP2"
RAM_BYTES = 264 * 1024
FLASH_BYTES = 2 * 1024 * 1024
BLE = ""
WIFI = ""
I2S = "all releases"
SENSORS = ()
MICROPHONE = ""
I2C_ID = 0
SDA_PIN = 4
SCL_PIN = 5
INT1_PIN = 6
AXES = (1, 2, 3)  # a breakout flat on the Pico, pin 1 to pin 1
CURRENTS = (("light sleep", 1.5, "MicroPython commit b004e7e: lightsleep(5000), at the USB port"),)
SHOWN = ("native modules, in emulation of the processor",)
SOURCES = (
    "Raspberry Pi Pico datasheet",
    "MicroPython ports/rp2/mpconfigport.h: USB ids, I2S",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
