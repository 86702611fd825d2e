"""What was there stays when there is no room for what is new."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midge import build, model_file
from midge.errors import ModelError
from midge.model_file import Model
from midge.whole_files import replaced

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")


@pytest.fixture
def full_disk() -> Iterator[Callable[[], None]]:
    """Call it, and no file grows beyond a hundred bytes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_are_replaced_or_none(tmp_path: Path) -> None:
    old, other = tmp_path / "old", tmp_path / "other"
    old.write_text("old")
    with replaced(old, other) as fresh:
        for path in fresh:
            path.write_text("new")
        assert old.read_text() == "old"
    assert contents(tmp_path) == {"old": b"new", "other": b"new"}
    with pytest.raises(KeyboardInterrupt), replaced(old, other) as fresh:
        fresh[0].write_text("torn")
        raise KeyboardInterrupt
    assert contents(tmp_path) == {"old": b"new", "other": b"new"}


def test_a_module_and_a_model_stay_on_a_full_disk(
    make_model: Callable[..., Model], tmp_path: Path, full_disk: Callable[[], None]
) -> None:
    model_file.save(make_model(), tmp_path)
    built = build.build(make_model(), "armv6m")
    build.write(built, tmp_path / "model.mpy")
    before = contents(tmp_path)
    full_disk()
    with pytest.raises(ModelError, match="choose another --out"):
        build.write(built, tmp_path / "model.mpy")
    with pytest.raises(OSError, match="File too large"):
        model_file.save(make_model(2), tmp_path)
    assert contents(tmp_path) == before
