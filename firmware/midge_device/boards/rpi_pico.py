"""Raspberry Pi Pico with an LIS3DH breakout on I2C0: SDA GP4, SCL GP5, INT1 GP6, SA0 low.

The breakout lies flat on the Pico, pin 1 to pin 1; another mounting needs another AXES.
"""

NAME = "rpi_pico"
TARGET = "armv6m"
SENSOR = "lis3dh"
I2C_ID = 0
I2C_HZ = 400_000
SDA_PIN = 4
SCL_PIN = 5
ADDRESS = 0x18
INT1_PIN = 6
AXES = (1, 2, 3)


def imu(rate_hz: float, range_g: int):
    """The accelerometer, nearest to this rate."""
    from machine import I2C, Pin

    from midge_device.drivers.lis3dh import LIS3DH

    bus = I2C(I2C_ID, sda=Pin(SDA_PIN), scl=Pin(SCL_PIN), freq=I2C_HZ)
    return LIS3DH(bus, address=ADDRESS, rate_hz=rate_hz, range_g=range_g, int1=Pin(INT1_PIN, Pin.IN))
