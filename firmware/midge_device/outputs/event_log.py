"""Events on the board's own flash: they survive resets, and never take more than a fixed room.

Two files are written in turn; when one is full, the other, with the oldest events, is begun anew. A line is
number, seconds, label, score; the number counts on over resets. A line that a power cut tore is passed over.
"""

import os
import time

_LINE_BYTES = 64  # room that is left for the line to come


class EventLog:
    """The log in `folder`.

    Parameters
    ----------
    max_bytes : int
        of both files together
    folder : str
        where events0.csv and events1.csv are

    Attributes
    ----------
    lost : int
        events that the flash did not take: a full one is no reason to stop
    """

    def __init__(self, max_bytes: int = 16384, folder: str = "/midge") -> None:
        if max_bytes < 512:
            raise ValueError("an event log needs 512 bytes or more, not {}".format(max_bytes))
        self._folder = folder
        self._half_bytes = max_bytes // 2
        self.lost = 0
        last = [self._last(0), self._last(1)]
        self._current = 0 if last[0] >= last[1] else 1
        self._number = max(last) + 1
        self._size = self._whole_size()

    def _path(self, half: int) -> str:
        return "{}/events{}.csv".format(self._folder, half)

    def _whole_size(self) -> int:
        """Bytes of the current file, with a line that was torn ended."""
        path = self._path(self._current)
        try:
            size = os.stat(path)[6]
            with open(path, "rb") as file:
                file.seek(max(0, size - 1))
                torn = size and file.read(1) != b"\n"
            if torn:
                with open(path, "ab") as file:
                    file.write(b"\n")
                size += 1
        except OSError:
            size = 0
        return size

    def _last(self, half: int) -> int:
        last = -1
        for row in self._rows(half):
            last = row[0]
        return last

    def _rows(self, half: int):
        try:
            file = open(self._path(half))
        except OSError:
            return
        with file:
            while True:
                try:
                    line = file.readline()
                except UnicodeError:
                    continue
                if not line:
                    return
                row = _parsed(line)
                if row is not None:
                    yield row

    def rows(self):
        """All events that are kept, oldest first: (number, seconds, label, score)."""
        for half in (1 - self._current, self._current):
            for row in self._rows(half):
                yield row

    def __call__(self, label: str, score: float) -> None:
        line = "{},{},{},{:.3f}\n".format(self._number, time.time(), label.replace(",", " "), score)
        mode = "a"
        if self._size + max(len(line), _LINE_BYTES) > self._half_bytes:
            self._current = 1 - self._current
            self._size = 0
            mode = "w"
        self._number += 1
        try:
            with open(self._path(self._current), mode) as file:
                file.write(line)
            self._size += len(line)
        except OSError:
            self.lost += 1


def _parsed(line: str):
    parts = line.split(",")
    if len(parts) != 4 or not line.endswith("\n"):
        return None
    try:
        return int(parts[0]), int(parts[1]), parts[2], float(parts[3])
    except ValueError:
        return None
