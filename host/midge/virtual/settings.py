"""How a virtual board starts: what its process is told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How a board starts."""

    name: str
    run_folder: str  # tty link and control socket
    flash_folder: str
    clock: str = "free"
    heap_bytes: int = 512 * 1024
    flash_bytes: int = 2 * 1024 * 1024
    has_sensor: bool = True
    chip: str = "lis3dh"
    native: bool = True
    scene: dict[str, Any] | None = None
    ble: bool = False
    ble_packets: int = 6  # a connection event, each way
    sound: dict[str, Any] | None = None

    @property
    def unique_id(self) -> bytes:
        """Eight bytes that no other board has, and this one always."""
        return hashlib.sha256(f"{self.name}\0{self.flash_folder}".encode()).digest()[:8]
