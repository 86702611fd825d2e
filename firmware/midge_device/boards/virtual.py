"""The virtual board: an LIS3DH as on a breakout, with the case's axes those of the chip."""

NAME = "virtual"
TARGET = "x64"
SENSOR = "lis3dh"
I2C_ID = 0
I2C_HZ = 400_000
ADDRESS = 0x18
INT1_PIN = 2
AXES = (1, 2, 3)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    from machine import I2C, Pin

    from midge_device.drivers.lis3dh import LIS3DH

    bus = I2C(I2C_ID, freq=I2C_HZ)
    return LIS3DH(bus, address=ADDRESS, rate_hz=rate_hz, range_g=range_g, int1=Pin(INT1_PIN, Pin.IN))
