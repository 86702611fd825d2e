"""A serial port (USB, UART or pty) as a transport, opened exclusively."""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Any, Self

from ..errors import DeviceNotFound, TransportError, TransportLost

BAUD = 115_200
# USB serial ports ignore the baud; a board that takes nothing for this long has stopped reading.
WRITE_TIMEOUT_S = 5.0
READ_BYTES = 65_536


def open_address(address: str) -> SerialLine:
    """Open the port at `address` (a tty path or COM port) for this program alone.

    Raises DeviceNotFound if there is no such port, TransportError if another program has it or it can't be
    opened.
    """
    return SerialLine(address)


class SerialLine:
    """An open serial port. Opening does not reset the boards that reset on DTR: DTR is left as it is set."""

    reconnects = 0
    patience = 1.0

    def __init__(self, path: str, *, name: str | None = None, baud: int = BAUD) -> None:
        # pyserial can't be imported on a Python without fcntl or the Windows calls: only who opens needs it.
        import serial

        self._name = name or f"serial:{path}"
        self._failures = (serial.SerialException, OSError, TypeError)
        self._timeout = serial.SerialTimeoutException
        try:
            self._port: Any = serial.Serial(
                path, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (serial.SerialException, OSError) as error:
            raise _opening(self._name, path, error) from error

    @property
    def name(self) -> str:
        return self._name

    def read(self, timeout_s: float) -> bytes:
        try:
            self._port.timeout = timeout_s
            data = bytes(self._port.read(1))
            if data:
                self._port.timeout = 0
                data += self._port.read(READ_BYTES)
            return data
        except self._failures as error:
            # pyserial raises TypeError when the port is closed under a read.
            raise self._lost(error) from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except self._timeout as error:
            raise TransportLost(
                f"{self._name} has taken no byte for {WRITE_TIMEOUT_S:g} s; reset the board and try again"
            ) from error
        except self._failures as error:
            raise self._lost(error) from error

    def close(self) -> None:
        self._port.close()

    def _lost(self, error: Exception) -> TransportLost:
        if not self._port.is_open:
            return TransportLost(f"{self._name} is closed; open it again")
        return TransportLost(f"{self._name} was unplugged or taken away; plug it in and try again")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opening(name: str, path: str, error: Exception) -> TransportError:
    """The error of a port that does not open, by its errno (pyserial passes it on; Windows has only text)."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO):
        return DeviceNotFound(f"there is no {path}; plug the board in, midge devices lists what is there")
    if code in (errno.EWOULDBLOCK, errno.EBUSY):
        return TransportError(f"{name} is in use by another program; close it or choose another port")
    if code in (errno.EACCES, errno.EPERM) or isinstance(error.__context__, PermissionError):
        return TransportError(
            f"{name} may not be opened: another program has it, or your user may not use serial ports "
            "(Linux: join the group dialout); close it or get the right, then try again"
        )
    return TransportError(f"{name} does not open: {error}; midge devices lists what is there")
