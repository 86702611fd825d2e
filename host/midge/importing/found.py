"""The files that are to be imported: below a folder, one file, or packed in an archive."""

from __future__ import annotations

import contextlib
import itertools
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import DatasetError
from . import pattern as patterns
from . import reading
from .pattern import Pattern
from .source import Source

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")


@contextlib.contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """The folder of an archive's files for as long as the block runs; a folder or file is itself."""
    if not source.exists():
        raise DatasetError(f"{source} is not there; give a folder, a file or an archive of recordings")
    if source.is_dir() or not source.name.lower().endswith(_ARCHIVES):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="midge-import-") as folder:
        try:
            if source.name.lower().endswith(".zip"):
                with zipfile.ZipFile(source) as zipped:
                    zipped.extractall(folder)
            else:
                with tarfile.open(source) as packed:
                    packed.extractall(folder, filter="data")
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
            raise DatasetError(f"{source}: not a whole archive ({str(error)[:80]}); fetch it again") from None
        yield Path(folder)


def match(
    source: Path, texts: Sequence[str], how: Source, *, skip_unmatched: bool
) -> tuple[list[tuple[Path, str, dict[str, str]]], dict[str, str]]:
    """(path, path below `source`, what the pattern says) of each file wanted, and those left out with why.

    Raises DatasetError for a file without a pattern unless `skip_unmatched`.
    """
    parsed = [Pattern.parse(text) for text in texts]
    root = source.parent if source.is_file() else source
    paths = [source] if source.is_file() else [path for path in _files(source) if not reading.is_about(path)]
    if not paths:
        raise DatasetError(f"{source}: it holds no files; give the folder of the recordings")
    wanted: list[tuple[Path, str, dict[str, str]]] = []
    skipped: dict[str, str] = {}
    for path in paths:
        where = path.relative_to(root).as_posix()
        fields = next((found for pattern in parsed if (found := pattern.match(where)) is not None), None)
        if fields is not None:
            wanted.append((path, where, fields))
        elif parsed:
            skipped[where] = "fits no pattern"
        elif path == source or reading.is_recording(path):
            wanted.append((path, where, {}))
        else:
            skipped[where] = "no recording by its name"
    first = shown(next(iter(skipped), ""))
    if parsed and skipped and not skip_unmatched:
        n = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
        raise DatasetError(
            f"{first}{n} fits no --pattern; add one, or leave such files out with --skip-unmatched"
        )
    if not wanted:
        why = f"fits --pattern {texts[0][:80]!r}" if texts else "is a recording by its name"
        raise DatasetError(
            f"{source}: no file of {len(skipped)} {why}; the first is {first}: "
            + (
                f"a pattern for it would be {patterns.suggest(list(skipped))!r}"
                if texts
                else "give the folder of the recordings, or say which with --pattern"
            )
        )
    return wanted, skipped


def common_folders(wanted: Sequence[tuple[Path, str, dict[str, str]]]) -> int:
    """How many folders all the files are in."""
    folders = [where.split("/")[:-1] for _, where, _ in wanted]
    levels = zip(*folders, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda level: len(set(level)) == 1, levels))


def no_label(where: str, wanted: Sequence[tuple[Path, str, dict[str, str]]]) -> DatasetError:
    """Nothing names a recording's label: shows a pattern that may fit."""
    paths = [path for _, path, _ in wanted]
    pattern = patterns.suggest([where, *paths])
    return DatasetError(
        f"{where}: no label; take it from the path (--pattern '{pattern}'), a column (--columns label=NAME), "
        "a file (--labels) or say --label L"
    )


def shown(where: str, most: int = 90) -> str:
    """A path short enough for a line: the middle of a long one is left out."""
    return where if len(where) <= most else f"{where[: most // 2]}…{where[-most // 2 :]}"


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
