"""Boards: facts first, then imu(rate_hz, range_g) → driver. A new board is one file of this shape.

NAME      as in /midge/config.json and the host's messages
TARGET    the instruction set that its firmware loads
SENSOR    the driver's name
AXES      which axis of the chip is x, y, z of the board's case, from 1, negative if opposite
imu()     raises ValueError for what the chip can't do, OSError for a chip that isn't there
"""
