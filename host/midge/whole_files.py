"""Files that are there whole or as they were: a full disk costs what is new, never what was there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """A place beside each of `paths` to write to.

    At the end of the block all take their paths' places; if it fails they go, and the paths are as they were.
    """
    fresh = tuple(path.with_name(path.name + ".new") for path in paths)
    try:
        yield fresh
        for made, path in zip(fresh, paths, strict=True):
            made.replace(path)
    finally:
        for made in fresh:
            made.unlink(missing_ok=True)
