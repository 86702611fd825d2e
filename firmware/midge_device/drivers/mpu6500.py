"""InvenSense MPU-6500 and MPU-9250 on I2C: accelerometer through a FIFO of 512 bytes.

Sources: register map RM-MPU-6500A-00 Rev 2.1, product specification, section 'FIFO' (registers by name).
The filter and the self-test codes are where the MPU-6886 has them, the FIFO's packet is the MPU-6050's.
"""

from midge_device.drivers.mpu6886 import MPU6886


class MPU6500(MPU6886):
    """One chip; parameters as `mpu6050.MPU6050`, watermark 1 to 32 samples."""

    NAME = "mpu6500"
    IDENTITIES = (0x70, 0x71)  # WHO_AM_I: MPU-6500, MPU-9250
    FIFO_SELECT = 0x88  # FIFO_EN: TEMP_OUT, ACCEL
    capacity = 64
