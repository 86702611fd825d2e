"""ST LSM6DS3 on I2C: as the LSM6DSL, with a FIFO of 4096 words.

Source: LSM6DS3 datasheet DocID026899 (registers by name).
"""

from midge_device.drivers.lsm6dsl import LSM6DSL


class LSM6DS3(LSM6DSL):
    """One chip; parameters as `lsm6.Lsm6`, watermark 1 to 682 samples."""

    NAME = "lsm6ds3"
    IDENTITIES = (0x69,)  # WHO_AM_I
    LEVEL_HIGH = 0x0F  # DIFF_FIFO[11:8] in FIFO_STATUS2
    capacity = 4096 // 3  # 8 kbytes
