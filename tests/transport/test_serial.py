"""The serial transport on a real pty: bytes both ways, one program at a time, unplugging."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from midge.errors import DeviceNotFound, TransportError, TransportLost
from midge.transport import open_transport

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import pty
import tty


@pytest.fixture
def ends() -> Iterator[tuple[int, str]]:
    """The board's end of a pty, and the path of the host's."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    yield master, path
    with contextlib.suppress(OSError):  # a test may have unplugged it
        os.close(master)


def test_all_bytes_go_there_and_back(ends: tuple[int, str]) -> None:
    master, path = ends
    everything = bytes(range(256))
    with open_transport(path) as line:
        assert line.name == f"serial:{path}"
        line.write(everything)
        assert os.read(master, 1000) == everything
        os.write(master, everything)
        got = b""
        while len(got) < 256:
            got += line.read(5.0)
        assert got == everything


def test_a_read_gives_what_is_there_and_nothing_is_no_error(ends: tuple[int, str]) -> None:
    master, path = ends
    with open_transport(f"serial:{path}") as line:
        assert line.read(0) == b""
        os.write(master, b"ab")
        assert line.read(5.0) in (b"a", b"ab")


def test_a_port_is_opened_once(ends: tuple[int, str]) -> None:
    _, path = ends
    with open_transport(path), pytest.raises(TransportError, match="in use by another program; close it or"):
        open_transport(path)
    open_transport(path).close()


def test_no_such_port(tmp_path: Path) -> None:
    with pytest.raises(DeviceNotFound, match="plug the board in"):
        open_transport(str(tmp_path / "ttyACM9"))


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(TransportError, match="does not open"):
        open_transport(str(tmp_path / "notes.txt"))


def test_unplugging_is_told(ends: tuple[int, str]) -> None:
    master, path = ends
    line = open_transport(path)
    os.close(master)
    with pytest.raises(TransportLost, match="unplugged"):
        line.read(5.0)
    with pytest.raises(TransportLost):
        line.write(b"x")
    line.close()
    with pytest.raises(TransportLost, match="closed"):
        line.read(0)
