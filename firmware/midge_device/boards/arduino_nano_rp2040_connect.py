"""Arduino Nano RP2040 Connect: LSM6DSOX on the board, PDM microphone MP34DT06J."""

from midge_device.boards import open_imu

NAME = "arduino_nano_rp2040_connect"
TITLE = "Arduino Nano RP2040 Connect"
MICROPYTHON = "ARDUINO_NANO_RP2040_CONNECT"
MACHINES = ("Arduino Nano RP2040 Connect",)
TARGET = "armv6m"
USB = ((0x2341, 0x025E),)
BOOTLOADER = "RPI-RP2"
RAM_BYTES = 264 * 1024
FLASH_BYTES = 16 * 1024 * 1024
BLE = "NINA-W102"
WIFI = "NINA-W102"
I2S = "all releases"
SENSORS = ("lsm6dsox",)
MICROPHONE = "PDM (MP34DT06J): clock GP23, data GP22"
I2C_ID = 0
SDA_PIN = 12
SCL_PIN = 13
INT1_PIN = 24
PDM_CLOCK_PIN = 23
PDM_DATA_PIN = 22
PDM_IS_HIGH = True
MIC = "mp34dt06j"
AXES = None
CURRENTS = ()
SHOWN = ()
SOURCES = (
    "Arduino ArduinoCore-mbed variants/NANO_RP2040_CONNECT: pins of the microphone",
    "Arduino ArduinoCore-mbed libraries/PDM/src/rp2040/pdm.pio: bits are read as the clock falls",
    "Arduino tutorial 'MicroPython and the IMU Machine Learning Core Features': INT1",
    "MicroPython ports/rp2/boards/ARDUINO_NANO_RP2040_CONNECT/mpconfigboard.h, pins.csv: the rest",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
