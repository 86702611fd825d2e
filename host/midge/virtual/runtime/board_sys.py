"""`sys` as a board has it: the console's own streams; all else is the built-in module's."""

# mypy: ignore-errors

from sys import *
from sys import atexit, byteorder, exit, implementation, maxsize, modules, platform, version, version_info
import sys as _builtin
from streams import print_exception, stderr, stdin, stdout

argv = []
path = _builtin.path


class _WithoutNative:
    """`implementation` of a firmware that was built without native code: `_mpy` names no architecture."""

    def __init__(self, real):
        for name in dir(real):
            if not name.startswith("__"):
                try:
                    setattr(self, name, getattr(real, name))
                except AttributeError:
                    pass
        self._mpy = real._mpy & 0x3FF


def setup(native):
    """What the supervisor knows of this firmware."""
    global implementation
    if not native:
        implementation = _WithoutNative(implementation)
