"""`os` as a board has it: files and mounts, no shell and no environment."""

# mypy: ignore-errors

from os import (
    VfsFat,
    VfsLfs2,
    chdir,
    getcwd,
    ilistdir,
    listdir,
    mkdir,
    mount,
    remove,
    rename,
    rmdir,
    sep,
    stat,
)
from os import statvfs, umount, unlink, urandom
import sys
from collections import namedtuple

_Uname = namedtuple("uname", ("sysname", "nodename", "release", "version", "machine"))
_name = ""


def setup(name):
    """The board's name, for `uname`."""
    global _name
    _name = name


def uname():
    release = "%d.%d.%d" % sys.implementation.version[:3]
    version = sys.version.split("; ")[-1].split(" ", 1)[1]
    return _Uname(sys.platform, _name, release, version, "midge virtual board with x64")


def sync():
    pass
