"""Bad days, through the command line on a virtual board: one clear line each, and nothing is lost.

More of them where the part is tested: power cuts in mid-recording (test_record_on_board.py), at every write
of a push (device/test_pipeline.py), a full disk under a recording (test_record.py).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midge import cli, flash, model_file
from midge.model_file import Model
from midge.session import connect
from midge.virtual import VirtualBoard

Capture = pytest.CaptureFixture[str]
MakeApp = Callable[..., Path]


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = cli.main(words)
    out, err = capsys.readouterr()
    return code, out, err


# What was said today; `python benchmarks/boards.py days` makes a table of it.
SAID: list[str] = []


@pytest.fixture(autouse=True)
def _keep_what_was_said(record_property: Callable[[str, object], None]) -> Iterator[None]:
    SAID.clear()
    yield
    for line in SAID:
        record_property("said", line)


def one_line(err: str) -> str:
    """The error, which is one line; notes may stand before it."""
    errors = [line for line in err.splitlines() if line.startswith("midge: ")]
    assert len(errors) == 1, err
    assert "Traceback" not in err
    SAID.append(errors[0])
    return errors[0]


@pytest.fixture(scope="module")
def stock_app(make_app: MakeApp, make_model: Callable[..., Model]) -> Path:
    """An app with a model."""
    app = make_app()
    model_file.save(make_model(), app / "build")
    return app


@pytest.fixture(scope="module")
def flashed(stock_app: Path) -> Iterator[Path]:
    """The file system of a board that runs that app and model, with a file of its owner's; copy it."""
    with tempfile.TemporaryDirectory() as folder:
        with VirtualBoard(folder=folder) as board:
            flash.flash(str(stock_app), board.tty)
        (Path(folder) / "notes.txt").write_text("mine")
        yield Path(folder)


@pytest.fixture
def running(flashed: Path) -> Iterator[VirtualBoard]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(flashed, folder, dirs_exist_ok=True)
        with VirtualBoard(folder=folder) as board:
            yield board


def digest(board: VirtualBoard) -> str:
    with connect(board.tty) as session:
        assert session.welcome.model is not None
        return str(session.welcome.model["digest"])


def recording_words(app: Path, board: VirtualBoard, into: Path) -> list[str]:
    """A take of a minute."""
    return [
        *("record", str(app), "--device", board.tty, "--label", "left", "--seconds", "60"),
        *("--no-countdown", "--into", str(into)),
    ]
