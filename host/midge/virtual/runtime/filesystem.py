"""The board's file system: a folder of the host, behind paths that can't leave it.

Every change asks the supervisor first: it counts them, refuses when the flash is full, and can cut the
power in between.
"""

# mypy: ignore-errors

import io
import os
import channel
from array import array

_host = os.VfsPosix()


class Flash:
    """A VFS; its state is two paths, both without the slash at the end."""

    def __init__(self, folder):
        self._folder = folder
        self._at = ""

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def _inside(self, path):
        """The path on the board, from its root; '..' ends at the root."""
        parts = [] if path.startswith("/") else self._at.split("/")
        for part in path.split("/"):
            if part == "..":
                if parts:
                    parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(part for part in parts if part)

    def _outside(self, path):
        return self._folder + self._inside(path)

    def open(self, path, mode):
        if not ("w" in mode or "a" in mode or "x" in mode or "+" in mode):
            return _host.open(self._outside(path), mode)
        if "+" not in mode or "w" in mode:
            channel.call(channel.FLASH, channel.FLASH_OPEN)
        return ChangingFile(_host.open(self._outside(path), mode))

    def chdir(self, path):
        inside = self._inside(path)
        if inside != "/" and not _host.stat(self._folder + inside)[0] & 0x4000:
            raise OSError(20)
        self._at = inside.rstrip("/")

    def getcwd(self):
        return self._at or "/"

    def ilistdir(self, path):
        folder = self._outside(path).rstrip("/")
        for entry in _host.ilistdir(folder):
            name = entry[0]
            kind = entry[1]
            yield (name, kind, 0, 0 if kind & 0x4000 else _host.stat(folder + "/" + name)[6])

    def mkdir(self, path):
        channel.call(channel.FLASH, channel.FLASH_MKDIR)
        _host.mkdir(self._outside(path))

    def remove(self, path):
        channel.call(channel.FLASH, channel.FLASH_REMOVE)
        _host.remove(self._outside(path))

    def rmdir(self, path):
        channel.call(channel.FLASH, channel.FLASH_REMOVE)
        _host.rmdir(self._outside(path))

    def rename(self, old, new):
        channel.call(channel.FLASH, channel.FLASH_RENAME)
        _host.rename(self._outside(old), self._outside(new))

    def stat(self, path):
        return _host.stat(self._outside(path))

    def statvfs(self, path):
        blocks = array("l", [0, 0])
        channel.call(channel.STATVFS, 0, 0, 0, None, 0, blocks, 16)
        block = channel.FLASH_BLOCK_BYTES
        return (block, block, blocks[0], blocks[1], blocks[1], 0, 0, 0, 0, 255)


class ChangingFile(io.IOBase):
    """A file that is open for writing."""

    def __init__(self, file):
        self._file = file
        self.read = file.read
        self.readline = file.readline
        self.readlines = file.readlines
        self.readinto = file.readinto
        self.seek = file.seek
        self.tell = file.tell

    def write(self, data, *limits):
        if limits:
            data = (
                memoryview(data)[: limits[0]]
                if len(limits) == 1
                else memoryview(data)[limits[0] :][: limits[1]]
            )
        channel.call(channel.FLASH, channel.FLASH_WRITE, channel.size(data))
        return self._file.write(data)

    def ioctl(self, request, argument):
        if request == 4:
            self.close()
            return 0
        return 0 if request == 1 else -1

    def flush(self):
        pass

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line
