"""The board's flash: how much is used, and the power cut that comes before a chosen write."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .runtime.opcodes import FLASH_BLOCK_BYTES, FLASH_MKDIR, FLASH_OPEN, FLASH_WRITE

WRITE_US = 100  # what a change of the flash costs in board time


class PowerCutError(Exception):
    """The power goes now, before the write."""


class Flash:
    """Counts every change of the file system in `folder` and judges it."""

    def __init__(self, folder: Path, flash_bytes: int) -> None:
        self.folder = folder
        self.flash_bytes = flash_bytes
        self.n_changes = 0
        self._cut_in: int | None = None
        self._used_blocks = 0

    def cut_after(self, n: int | None) -> None:
        """Cut the power when the `n`-th change from now is about to happen; None takes it back."""
        self._cut_in = n

    def change(self, kind: int, n_bytes: int) -> int:
        """A change is about to happen: 0, or a negative errno if it must not. Raises PowerCutError."""
        if self._cut_in is not None:
            self._cut_in -= 1
            if self._cut_in <= 0:
                self._cut_in = None
                raise PowerCutError
        self.n_changes += 1
        if kind != FLASH_WRITE:
            self._used_blocks = self._count_blocks()
        needed = {FLASH_WRITE: -(-n_bytes // FLASH_BLOCK_BYTES), FLASH_OPEN: 0, FLASH_MKDIR: 1}.get(kind, 0)
        if needed and self._used_blocks + needed > self.total_blocks:
            # The estimate is pessimistic: bytes that fit into a file's last block are counted as a new one.
            self._used_blocks = self._count_blocks()
            if (
                self._used_blocks * FLASH_BLOCK_BYTES
            ) + n_bytes > self._limit_bytes() or not self.free_blocks:
                return -errno.ENOSPC
        self._used_blocks += needed
        return 0

    def _limit_bytes(self) -> int:
        return self.total_blocks * FLASH_BLOCK_BYTES

    @property
    def total_blocks(self) -> int:
        """Size of the flash in blocks."""
        return self.flash_bytes // FLASH_BLOCK_BYTES

    @property
    def free_blocks(self) -> int:
        """Blocks that are free now."""
        return max(0, self.total_blocks - self._count_blocks())

    def _count_blocks(self) -> int:
        blocks = 2  # the superblock pair
        for _parent, folders, files, fd in os.fwalk(self.folder):
            blocks += len(folders)
            for name in files:
                size_bytes = os.stat(name, dir_fd=fd, follow_symlinks=False).st_size
                blocks += max(1, -(-size_bytes // FLASH_BLOCK_BYTES))
        return blocks
