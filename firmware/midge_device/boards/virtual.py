"""The virtual board: any of the modelled chips on its bus, with the case's axes those of the chip."""

from midge_device.boards import open_imu

NAME = "virtual"
TITLE = "the virtual board"
MICROPYTHON = ""
MACHINES = ("midge virtual board",)
TARGET = "x64"
USB = ()
BLE = "a virtual radio"
WIFI = "sockets of the computer it runs on"
I2S = "a virtual port"
SENSORS = ()
MICROPHONE = "hears WAV files"
I2C_ID = 0
INT1_PIN = 2
I2S_ID = 0
I2S_SCK_PIN = 10
I2S_WS_PIN = 11
I2S_SD_PIN = 12
MIC = "ics43434"
AXES = (1, 2, 3)
CURRENTS = ()
SHOWN = ("flash", "record", "push", "native modules", "all drivers", "events")
SOURCES = ("docs/architecture.md",)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    return open_imu(globals(), rate_hz, range_g)
