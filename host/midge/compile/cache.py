"""Where compiled things are kept between runs: one folder a user, keyed by content, safe to delete."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder of midge, made if missing; $MIDGE_CACHE overrides the platform's place."""
    chosen = os.environ.get("MIDGE_CACHE")
    if chosen:
        folder = Path(chosen)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "midge" / "Cache"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "midge"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "midge"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest(parts: Iterable[str]) -> str:
    """Hex key of `parts`; no two different sequences share one."""
    key = hashlib.sha256()
    for part in parts:
        data = part.encode()
        key.update(f"{len(data)}:".encode())
        key.update(data)
    return key.hexdigest()[:32]


def place(made: Path, kept: Path) -> None:
    """Move `made` to `kept` in one step, so that a reader sees the whole file or none."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.replace(kept)
    except PermissionError:
        # Windows keeps a loaded library open; what is there has the same content.
        if not kept.exists():
            raise


def working_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for one compiler call, on the same file system as the cache: `place` needs that."""
    folder = cache_folder() / "working"
    folder.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True)
