"""`sys` as a board has it: the console's own streams; all else is the built-in module's."""

# mypy: ignore-errors

from sys import *
from sys import atexit, byteorder, exit, implementation, maxsize, modules, platform, version, version_info
import sys as _builtin
from streams import print_exception, stderr, stdin, stdout

argv = []
path = _builtin.path
