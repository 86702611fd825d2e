"""A file on its way into a slot: chunks to a temporary file that survives a reset, checked, then moved in."""

import hashlib
import io
import os

from midge_device.model import RefusedError, check_file
from midge_device.slots import EMPTY, exists, remove
from midge_device.wire import message

_FILES = {message.FILE_MODULE: "mpy", message.FILE_TEST: "test"}
_SPARE_BYTES = 4096  # left free for records and for the file system itself


class Incoming:
    """Receives one file at a time. Every refusal is a `RefusedError` with its NAK code."""

    def __init__(self, slots) -> None:
        self._slots = slots
        self._kind = -1
        self._size = 0
        self._sha256 = b""
        self._offset = 0
        self._file: io.FileIO | None = None
        self._committed: dict = {}  # file number → size and digest: the ACK of a commit may get lost

    @property
    def is_open(self) -> bool:
        """True while a file is on its way."""
        return self._file is not None

    def _is_committed(self) -> bool:
        """True if the file that was announced is in the slot already."""
        path = self._slots.path(self._slots.to_fill(), _FILES[self._kind])
        return self._committed.get(self._kind) == (self._size, self._sha256) and exists(path)

    def _part(self) -> str:
        return "{}/{}.part".format(self._slots.folder, _FILES[self._kind])

    def begin(self, kind: int, size: int, sha256: bytes) -> int:
        """Prepare for a file; returns the offset to go on from: 0, or what came of the same file before."""
        self.close()
        if kind not in _FILES:
            raise RefusedError(message.UNKNOWN, "no file number {}".format(kind))
        self._kind = kind
        self._size = size
        self._sha256 = sha256
        identity = sha256 + size.to_bytes(4, "little")
        if self._is_committed():
            self._offset = size
            return size
        name = self._part() + "-id"
        try:
            with open(name, "rb") as file:
                known = file.read(64)
        except OSError:
            known = b""
        self._offset = 0
        if known == identity and exists(self._part()):
            self._offset = os.stat(self._part())[6]
        else:
            remove(self._part())
        if self._offset > size:
            remove(self._part())
            self._offset = 0
        stat = os.statvfs(self._slots.folder)
        free_bytes = stat[0] * stat[4]
        if size - self._offset + _SPARE_BYTES > free_bytes:
            self._kind = -1
            raise RefusedError(message.NO_SPACE, "{} bytes, {} are free".format(size, free_bytes))
        if known != identity:
            with open(name, "wb") as file:
                file.write(identity)
        self._file = open(self._part(), "ab")
        return self._offset

    def chunk(self, offset: int, data: bytes) -> int:
        """Append; returns the next offset."""
        if self._file is None:
            raise RefusedError(message.STATE, "no PUSH_BEGIN before this chunk")
        if offset != self._offset or offset + len(data) > self._size:
            raise RefusedError(message.BAD_OFFSET, "offset {}, expected {}".format(offset, self._offset))
        self._file.write(data)
        self._offset += len(data)
        return self._offset

    def commit(self, kind: int) -> None:
        """Check the whole file and move it into the slot to fill. A module that can't run here is refused."""
        if kind == self._kind and self._file is None and self._is_committed():
            return
        if self._file is None or kind != self._kind:
            raise RefusedError(message.STATE, "no such push to commit")
        self.close()
        if self._offset != self._size:
            raise RefusedError(message.BAD_OFFSET, "{} of {} bytes came".format(self._offset, self._size))
        part = self._part()
        if self._digest(part) != self._sha256:
            self._forget()
            raise RefusedError(message.BAD_DIGEST, "the file is not the one announced; push it again")
        slots = self._slots
        slot = slots.to_fill()
        if kind == message.FILE_MODULE:
            try:
                check_file(part)
            except RefusedError:
                self._forget()
                raise
            # From here on the slot is nothing to fall back on, until it is activated.
            self._committed = {}
            slots.mark(slot, EMPTY)
            remove(slots.path(slot, "test"))
        path = slots.path(slot, _FILES[kind])
        remove(path)
        os.rename(part, path)
        self._committed[kind] = (self._size, self._sha256)
        self._forget()

    def activate(self) -> int:
        """The slot that a push has filled; raises RefusedError if there is none."""
        slot = self._slots.to_fill()
        path = self._slots.path(slot)
        if self._slots.states[slot] != EMPTY or not exists(path):
            raise RefusedError(message.STATE, "no module was pushed")
        check_file(path)
        return slot

    def close(self) -> None:
        """Close the temporary file; a later `begin` can go on with it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _forget(self) -> None:
        remove(self._part())
        remove(self._part() + "-id")
        self._kind = -1

    def _digest(self, path: str) -> bytes:
        sha = hashlib.sha256()
        buffer = bytearray(512)
        view = memoryview(buffer)
        with open(path, "rb") as file:
            while True:
                n = file.readinto(buffer)
                if not n:
                    return sha.digest()
                sha.update(view[:n])
