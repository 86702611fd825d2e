"""M5Stack M5StickC Plus2: MPU-6886 on the board; GPIO4 holds its power on."""

from midge_device.boards import open_imu

NAME = "m5stickc_plus2"
TITLE = "M5Stack M5StickC Plus2"
MICROPYTHON = "ESP32_GENERIC"
MACHINES = ("M5StickC Plus2",)
TARGET = "xtensawin"
USB = ()  # its CH9102 bridge is on any board
RAM_BYTES = 520 * 1024
FLASH_BYTES = 8 * 1024 * 1024
BLE = "ESP32"
WIFI = "ESP32"
I2S = "all releases"
SENSORS = ("mpu6886",)
MICROPHONE = "PDM (SPM1423): clock GPIO0, data GPIO34"
I2C_ID = 0
SDA_PIN = 21
SCL_PIN = 22
POWER_PIN = 4
AXES = None
CURRENTS = (("light sleep", 0.8, "ESP-WROOM-32 datasheet §3.4; the chip alone, boards take more"),)
NOTE = "the official firmware does not know it: midge flash --board m5stickc_plus2"
SHOWN = ("native modules, in emulation of the processor",)
SOURCES = (
    "M5Stack documentation, M5StickC Plus2: memory",
    "forum.m5stack.com/topic/7140: pins of sensor and power",
    "devices.esphome.io, M5StickC PLUS2: pins of sensor and microphone",
)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
