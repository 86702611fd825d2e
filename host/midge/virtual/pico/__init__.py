"""A Raspberry Pi Pico: an official UF2 on an emulated RP2040, with our sensor chips on its I2C."""
