"""Raspberry Pi Pico 2 W, with a breakout on I2C0: SDA GP4, SCL GP5, INT1 GP6."""

from midge_device.boards import open_imu

NAME = "rpi_pico2_w"
TITLE = "Raspberry Pi Pico 2 W"
MICROPYTHON = "RPI_PICO2_W"
MACHINES = ("Raspberry Pi Pico 2 W with",)
TARGET = "armv7emsp"
USB = ((0x2E8A, 0x0005),)
BOOTLOADER = "RP2350"
RAM_BYTES = 520 * 1024
FLASH_BYTES = 4 * 1024 * 1024
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
SOURCES = (
    "Raspberry Pi Pico 2 W datasheet",
    "MicroPython ports/rp2/mpconfigport.h: USB ids, I2S; the ARM build, not RISCV",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
