"""Drivers of sensor chips. One flat table: a new chip is one file and one line.

The contract that `sampler.py` relies on:

    read_into(block, start=0)  fills the int16 array `block` from sample `start` on; returns the samples read,
                               or 0 when fewer wait than fit (a block is whole or untouched)
    level()                    samples that wait in the FIFO; sets `full` when it can't take another one
    start(), stop()            sampling on and off; start empties the FIFO
    irq(handler)               call handler(pin) when `watermark` samples wait; False without such a pin
    self_test()                True if the chip passes its own test; the board must lie still
    rate_hz, range_g           as configured in the chip, not as asked for
    raw_lsb_per_g              of the samples that read_into delivers: x y z of the accelerometer
    watermark, capacity        in samples; overruns counts how often the FIFO was found full
    NAME                       as in the table

ValueError: a configuration that the chip doesn't have. OSError: a chip that doesn't answer, another one, or
one that was reset and samples no more.
"""

# name → module, class, I2C addresses, register of its identity, identities
CHIPS = {
    "lis3dh": ("lis3dh", "LIS3DH", (0x18, 0x19), 0x0F, (0x33,)),
    "lsm6dsox": ("lsm6dsox", "LSM6DSOX", (0x6A, 0x6B), 0x0F, (0x6C, 0x6B)),
    "lsm6dsl": ("lsm6dsl", "LSM6DSL", (0x6A, 0x6B), 0x0F, (0x6A,)),
    "lsm6ds3": ("lsm6ds3", "LSM6DS3", (0x6A, 0x6B), 0x0F, (0x69,)),
    "mpu6050": ("mpu6050", "MPU6050", (0x68, 0x69), 0x75, (0x68,)),
    "mpu6500": ("mpu6500", "MPU6500", (0x68, 0x69), 0x75, (0x70, 0x71)),
    "mpu6886": ("mpu6886", "MPU6886", (0x68, 0x69), 0x75, (0x19,)),
    "adxl345": ("adxl345", "ADXL345", (0x53, 0x1D), 0x00, (0xE5,)),
}


def find(i2c, names=None) -> list:
    """Chips that answer on the bus with their identity: [(name, address), …]; nothing is written to them.

    Raises OSError if the bus itself hangs.
    """
    found = []
    identity = bytearray(1)
    for name in names or CHIPS:
        _, _, addresses, register, identities = CHIPS[name]
        for address in addresses:
            try:
                i2c.readfrom_mem_into(address, register, identity)
            except OSError as error:
                if error.errno == 110:  # ETIMEDOUT: somebody holds the bus down
                    raise OSError("the I2C bus hangs: check its wiring and pull-up resistors")
                continue  # nobody there
            if identity[0] in identities:
                found.append((name, address))
    return found


def open_chip(i2c, name: str, address: int, **settings):
    """The driver of a chip; raises as its constructor."""
    module, kind, *_ = CHIPS[name]
    path = "midge_device.drivers." + module
    return getattr(__import__(path, None, None, (kind,)), kind)(i2c, address=address, **settings)


def open_any(i2c, names=None, **settings):
    """The driver of the first chip found on the bus. Raises OSError if none answers."""
    found = find(i2c, names)
    if not found:
        raise OSError("no known accelerometer answers on the I2C bus; check its wiring")
    return open_chip(i2c, *found[0], **settings)
