"""Drivers of sensor chips. One flat table: a new chip is one file and one line.

The contract that `sampler.py` relies on:

    read_into(block, start=0)  fills the int16 array `block` from sample `start` on; returns the samples read,
                               or 0 when fewer wait than fit (a block is whole or untouched)
    level()                    samples that wait in the FIFO; sets `full` when it can't take another one
    start(), stop()            sampling on and off; start empties the FIFO
    irq(handler)               call handler(pin) when `watermark` samples wait; False without such a pin
    rate_hz, range_g           as configured in the chip, not as asked for
    raw_lsb_per_g              of the samples that read_into delivers
    watermark, capacity        in samples; overruns counts how often the FIFO was found full

ValueError: a configuration that the chip doesn't have. OSError: a chip that doesn't answer, or another one.
"""

NAMES = {
    "lis3dh": "midge_device.drivers.lis3dh",
}
