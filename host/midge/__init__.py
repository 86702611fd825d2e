"""midge: tiny machine learning for sensors on MicroPython boards."""

__version__ = "0.1.0"
