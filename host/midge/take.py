"""Writes one take to disk as it comes; what is written survives an interrupt, a lost line and a full disk.

Both files grow as `.part` and get their names at the end, the samples first: where the sidecar is, the
recording is whole. Room for the sidecar is taken at the start, so that a full disk can't keep it unfinished.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from .errors import DatasetError
from .recording import SOUND, Description, Gap, Int16, Recording, description_fields, sidecar

SIDECAR_STEP_BYTES = 4096
# Upper bounds in the sidecar: one gap of ten-digit numbers; the final counts, figures and reason.
GAP_BYTES = 56
ENDING_BYTES = 2000
# File names hold 255 bytes on most systems: label, group, number and suffix.
LONGEST_WORD = 64
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Not allowed in a file name on one of the systems that midge runs on.
_UNSAFE = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


def take_name(folder: Path, label: str, group: str = "") -> str:
    """The first free name `LABEL_GROUP_001`… in `folder`.

    Raises DatasetError if label or group can't be part of a file name.
    """
    for what, word in (("label", label), ("group", group)):
        if word and (set(word) & _UNSAFE or word.startswith((".", " ")) or word.endswith((".", " "))):
            raise DatasetError(f"{what} {word!r} can't be part of a file name; use letters, digits, - and _")
        if len(word) > LONGEST_WORD:
            raise DatasetError(f"{what} {word[:24]!r}… has {len(word)} letters; use at most {LONGEST_WORD}")
    stem = f"{label}_{group}" if group else label
    # Labels and groups may have dots: what is behind the stem ends at the first one.
    taken = (
        {path.name[len(stem) :].split(".")[0] for path in folder.glob(f"{_literal(stem)}_*")}
        if folder.is_dir()
        else set()
    )
    number = 1
    while f"_{number:03d}" in taken:
        number += 1
    return f"{stem}_{number:03d}"


def _literal(stem: str) -> str:
    return "".join(f"[{char}]" if char in "[*?" else char for char in stem)


class TakeWriter:
    """One recording being written into `folder` as `name`.

    `n_samples` and `lost` are the rows written and the samples marked as missing so far.

    Raises DatasetError if a recording of that name is there already, or `folder` can't be written.
    """

    def __init__(self, folder: Path, name: str, description: Description) -> None:
        self._is_sound = description.kind == SOUND
        self.path = folder / f"{name}{'.wav' if self._is_sound else '.csv'}"
        self._sidecar_path = folder / f"{name}.json"
        self._description = description
        self._gaps: list[Gap] = []
        self.n_samples = 0
        self.lost = 0
        self._plain_bytes = len(self._sidecar_text())
        self._reserved_bytes = 0
        self._written_bytes = 0
        self._keep = False
        self._files: list[tuple[Path, BinaryIO]] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._csv = self._create(self.path)
            self._json = self._create(self._sidecar_path)
            self._reserve()
            self._note()
            self._write(self._head(0))
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):
                raise _failure(error, folder) from error
            raise

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(self._gaps)

    def append(self, samples: Int16) -> None:
        """Add rows, int16 of shape (n, n_channels); raises DatasetError when the disk is
        full, and keeps the rows that fitted whole."""
        if (
            samples.dtype != np.int16
            or samples.ndim != 2
            or samples.shape[1] != len(self._description.channels)
        ):
            raise DatasetError(
                f"samples of {samples.dtype} {samples.shape} don't fit the "
                f"{len(self._description.channels)} int16 channels; check recipe and sensor"
            )
        if self._is_sound:
            rows = [row.tobytes() for row in samples.astype("<i2")]
        else:
            rows = [(",".join(map(str, row)) + "\n").encode() for row in samples.tolist()]
        try:
            self._write(b"".join(rows), len(rows))
        except OSError as error:
            self._keep_whole_rows(rows)
            raise _failure(error, self.path.parent) from error

    def lose(self, n_samples: int) -> None:
        """Mark `n_samples` as missing before the next row; DatasetError if the mark has no room."""
        if n_samples < 1:
            return
        try:
            self._reserve(1)
        except OSError as error:
            raise _failure(error, self.path.parent) from error
        gaps, gap = self._gaps, Gap(self.n_samples, n_samples)
        if gaps and gaps[-1].at == self.n_samples:
            gap = Gap(self.n_samples, gaps[-1].lost + n_samples)
            gaps = gaps[:-1]
        # Both at once: no interrupt comes between.
        gaps, lost = [*gaps, gap], self.lost + n_samples
        self._gaps, self.lost = gaps, lost
        self._note()

    def finish(
        self,
        *,
        measured_rate_hz: float | None = None,
        jitter_us: float | None = None,
        partial: str = "",
        reconnects: int = 0,
    ) -> Path:
        """Give both files their names; returns the samples' path. `partial` says why the take ends early.

        ^C waits for the end of it.
        """
        with _uninterrupted():
            self._description = replace(
                self._description,
                measured_rate_hz=measured_rate_hz,
                jitter_us=jitter_us,
                partial=partial[:400],
                reconnects=reconnects,
            )
            return self._finish()

    def _finish(self) -> Path:
        self._keep = True  # from here on nothing is removed, whatever fails
        try:
            self._csv.truncate(self._written_bytes)
            if self._is_sound:  # its header says how long it is
                self._csv.seek(0)
                _write_all(self._csv, self._head(self.n_samples))
            text = self._sidecar_text()
            self._json.seek(0)
            self._json.truncate(len(text))
            _write_all(self._json, text)
            for file in (self._csv, self._json):
                os.fsync(file.fileno())
                file.close()
            _part(self.path).rename(self.path)
            _part(self._sidecar_path).rename(self._sidecar_path)
        except OSError as error:
            raise _failure(error, self.path.parent) from error
        return self.path

    def discard(self) -> None:
        """Remove what was written; after `finish` it only closes."""
        for path, file in self._files:
            file.close()
            if not self._keep:
                _part(path).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is KeyboardInterrupt and self.n_samples and not self._keep:
                self.finish(partial="interrupted")
        finally:
            self.discard()

    def _create(self, path: Path) -> BinaryIO:
        """A new `.part`; FileExistsError if the name is taken.

        The part comes first, so two writers can't both pass.
        """
        file = _part(path).open("xb", buffering=0)
        self._files.append((path, file))
        if path.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        return file

    def _write(self, data: bytes, n_rows: int = 0) -> None:
        # What an interrupt left behind the last whole row is written over.
        self._csv.seek(self._written_bytes)
        _write_all(self._csv, data)
        # Both at once: no interrupt comes between.
        n_bytes, n_samples = self._written_bytes + len(data), self.n_samples + n_rows
        self._written_bytes, self.n_samples = n_bytes, n_samples

    def _head(self, n_samples: int) -> bytes:
        """What comes before the first row: a line of names, or the header of a WAV file of so many rows."""
        if not self._is_sound:
            return (",".join(self._description.channels) + "\n").encode()
        n_channels, rate_hz = len(self._description.channels), round(self._description.rate_hz)
        n_bytes = 2 * n_channels * n_samples
        frame = (n_channels, rate_hz, 2 * n_channels * rate_hz, 2 * n_channels, 16)
        return b"".join(
            (
                struct.pack("<4sI4s", b"RIFF", 36 + n_bytes, b"WAVE"),
                struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, *frame),
                struct.pack("<4sI", b"data", n_bytes),
            )
        )

    def _keep_whole_rows(self, rows: list[bytes]) -> None:
        """After a short write: keep the rows that fit whole, cut the rest off."""
        fitted = os.fstat(self._csv.fileno()).st_size - self._written_bytes
        for row in rows:
            if len(row) > fitted:
                break
            fitted -= len(row)
            self._written_bytes += len(row)
            self.n_samples += 1
        self._csv.truncate(self._written_bytes)

    def _sidecar_text(self) -> bytes:
        about = sidecar(self._description, self.n_samples, self.gaps)
        return (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()

    def _note(self) -> None:
        """What the rows mean and which gaps they have, should this process be killed: `curate/salvage.py`."""
        with contextlib.suppress(OSError):  # it is a second chance; `finish` is the first
            self._json.seek(0)
            _write_all(self._json, self._sidecar_text())

    def _reserve(self, n_more_gaps: int = 0) -> None:
        """Hold room for the finished sidecar: reason of the end, final counts and figures included."""
        needed = self._plain_bytes + ENDING_BYTES + GAP_BYTES * (len(self._gaps) + n_more_gaps)
        if needed > self._reserved_bytes:
            step = SIDECAR_STEP_BYTES
            room = -(-needed // step) * step
            self._json.seek(self._reserved_bytes)
            _write_all(self._json, b" " * (room - self._reserved_bytes))
            self._reserved_bytes = room


def save(recording: Recording, folder: Path, name: str) -> Path:
    """Write a whole recording into `folder` as `name`; returns the samples' path. Errors as `TakeWriter`."""
    description = Description(**description_fields(recording))
    with TakeWriter(folder, name, description) as writer:
        row = 0
        for gap in recording.gaps:
            writer.append(recording.samples[row : gap.at])
            writer.lose(gap.lost)
            row = gap.at
        writer.append(recording.samples[row:])
        return writer.finish(
            measured_rate_hz=recording.measured_rate_hz,
            jitter_us=recording.jitter_us,
            partial=recording.partial,
        )


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold ^C back until the block is done; only the main thread hears of it at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write_all(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _failure(error: OSError, folder: Path) -> DatasetError:
    if error.errno in _FULL:
        return DatasetError(f"no room left in {folder}; what was recorded is kept: make room and record on")
    if isinstance(error, FileExistsError):
        return DatasetError(f"{error.filename} is there already and is not overwritten; choose another name")
    return DatasetError(f"{folder} can't be written ({error.strerror}); choose another folder with --into")
