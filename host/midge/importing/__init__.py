"""Anybody's recordings → a dataset: files are found, read, cut into recordings, and moved in all at once.

    found ─► reading ─► (text, arrays, sound, edge_impulse) ─► parts ─► stage
    which     one file    a Table in the file's own terms      recordings  the dataset

A new format is one reader, and one line in `reading.py`.
"""

from __future__ import annotations

from . import columns, intervals
from .pattern import Pattern
from .source import Source
from .stage import Imported, import_files

__all__ = ["Imported", "Pattern", "Source", "columns", "import_files", "intervals"]
