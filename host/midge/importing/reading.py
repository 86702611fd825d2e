"""One file → a Table: which reader a file needs, by its suffix and its first bytes."""

from __future__ import annotations

from pathlib import Path

from ..errors import DatasetError
from . import arrays, edge_impulse, gyro, own, sound, text
from .source import Source
from .table import Table

# What else lies about in folders of recordings, and is none.
NOT_RECORDINGS = (".md", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".py", ".ipynb", ".yaml", ".yml", ".toml",
                  ".cff", ".rst", ".doc", ".docx", ".xls", ".xlsx", ".m", ".zip", ".gz", ".part")  # fmt: skip

_ABOUT = ("readme", "license", "licence", "copying", "citation", "changelog", "requirements")


def is_about(path: Path) -> bool:
    """Whether a file belongs to recordings, and says what they are: a sidecar, Edge Impulse's labels."""
    return path.name == edge_impulse.LABELS_FILE or own.is_sidecar(path)


def is_recording(path: Path) -> bool:
    """Whether a file may hold samples, by its name."""
    return path.suffix.lower() not in NOT_RECORDINGS and not path.stem.lower().startswith(_ABOUT)


def read(path: Path, where: str, how: Source) -> Table:
    """The table of one file; raises DatasetError naming file and row."""
    has_gyro = how.gyro_unit != gyro.NONE
    options = text.Options(
        how.columns, how.encoding, how.drop_rows, how.fill_axes, how.is_forwarder, has_gyro
    )
    suffix = path.suffix.lower()
    try:
        if how.columns is None and own.is_sidecar(path.with_suffix(".json")):
            return own.read(path, has_gyro=has_gyro)
        if suffix == ".npy":
            return arrays.read_npy(path, where, options)
        if suffix in (".parquet", ".pq"):
            return arrays.read_parquet(path, where, options)
        if suffix in edge_impulse.SUFFIXES:
            return edge_impulse.read(path, where, options, how.hmac_key)
        if suffix in sound.SUFFIXES:
            return sound.read(path, where, kind=how.kind, has_gyro=has_gyro)
        if how.kind == "sound":
            raise DatasetError(f"{where}: sound comes as {', '.join(sound.SUFFIXES)} or Edge Impulse files")
        return text.read(path, where, options)
    except OSError as error:
        raise DatasetError(f"{where}: can't be read ({error.strerror or error}); check its rights") from None
