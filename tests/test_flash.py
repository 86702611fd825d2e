"""Flash: a stock board becomes one with midge, once, without losing what was on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midge import board_facts, board_files, flash, model_file, push
from midge.board_facts import BoardFacts
from midge.errors import BudgetExceeded, DeviceError, RecipeError, VersionMismatch
from midge.model_file import Model
from midge.mpremote_link import RawRepl
from midge.session import connect
from midge.virtual import VirtualBoard

FOREIGN = "print('a program of mine')\n"


@pytest.fixture
def stock() -> Iterator[VirtualBoard]:
    """A virtual board with nothing on it but a program of its owner's."""
    with VirtualBoard() as board:
        (board.folder / "main.py").write_text(FOREIGN)
        yield board


def test_a_stock_board_becomes_one_with_midge(stock: VirtualBoard, make_app: Callable[..., Path]) -> None:
    app = make_app(name="shaker")
    notes: list[str] = []
    seen: list[tuple[float, float | None]] = []

    planned = flash.flash(str(app), stock.tty, dry_run=True)
    assert sorted(path.name for path in stock.folder.iterdir()) == ["main.py"]
    assert planned.welcome is None

    done = flash.flash(
        str(app),
        stock.tty,
        note=notes.append,
        on_progress=lambda n, total=None, text="": seen.append((n, total)),
    )
    assert (done.board, done.target, done.kept) == ("virtual", "x64", ("/main.py.before-midge",))
    assert (done.sent, done.sent_bytes) == (planned.sent, planned.sent_bytes)
    assert done.sent[-1] == "/main.py"
    assert seen[-1] == (done.sent_bytes, done.sent_bytes)
    assert done.welcome is not None
    assert (done.welcome.board, done.welcome.app, done.welcome.model) == ("virtual", "shaker", None)
    assert any("no model yet" in note for note in notes)
    assert (stock.folder / "main.py.before-midge").read_text() == FOREIGN
    assert (stock.folder / "app.py").read_bytes() == (app / "main.py").read_bytes()

    again = flash.flash(str(app), stock.tty)
    assert (again.sent, again.sent_bytes, again.kept) == ((), 0, ())
    assert len(again.unchanged) == len(done.sent) - 1


def test_only_what_changed_is_sent(board: VirtualBoard, make_app: Callable[..., Path]) -> None:
    app = make_app()
    flash.flash(str(app), board.tty)
    (board.folder / "lib/midge_device/slots.mpy").write_bytes(b"broken")
    (app / "main.py").write_text((app / "main.py").read_text() + "# new\n")
    done = flash.flash(str(app), board.tty)
    assert sorted(done.sent) == ["/app.py", "/lib/midge_device/slots.mpy"]
    assert done.kept == ()


def test_a_second_foreign_main_does_not_overwrite_the_first(
    board: VirtualBoard, make_app: Callable[..., Path]
) -> None:
    (board.folder / "main.py.before-midge").write_text("the first")
    (board.folder / "main.py").write_text("the second")
    done = flash.flash(str(make_app()), board.tty)
    assert done.kept == ("/main.py.before-midge-2",)
    assert (board.folder / "main.py.before-midge").read_text() == "the first"
    assert (board.folder / "main.py.before-midge-2").read_text() == "the second"


def test_an_install_that_was_cut_leaves_a_prompt_and_can_be_repeated(
    stock: VirtualBoard, make_app: Callable[..., Path]
) -> None:
    app = make_app()
    stock.cut_power_after_writes(60)
    with pytest.raises(Exception, match=r"lost|raw REPL"):
        flash.flash(str(app), stock.tty)
    stock.power_on()
    assert not (stock.folder / "main.py").exists()
    with pytest.raises(DeviceError, match="midge flash"), connect(stock.tty):
        pass
    done = flash.flash(str(app), stock.tty)
    assert done.unchanged
    assert done.welcome is not None
    assert (stock.folder / "main.py.before-midge").read_text() == FOREIGN


def test_the_library_is_bytecode_and_its_source_is_no_more(
    board: VirtualBoard, make_app: Callable[..., Path]
) -> None:
    """A board that an older midge, or mip, has flashed with source: a .py would hide the .mpy beside it."""
    app = str(make_app())
    flash.flash(app, board.tty)
    library = board.folder / "lib/midge_device"
    assert {path.suffix for path in library.rglob("*.*") if path.is_file()} == {".mpy"}
    (library / "slots.py").write_text("raise RuntimeError")
    (library / "of_an_older_midge.mpy").write_bytes(b"x")
    (board.folder / "lib/mine.py").write_text("mine")
    done = flash.flash(app, board.tty)
    assert done.removed == ("/lib/midge_device/of_an_older_midge.mpy", "/lib/midge_device/slots.py")
    assert (board.folder / "lib/mine.py").read_text() == "mine"
    assert not (library / "slots.py").exists()


def test_without_mpy_cross_the_source_goes_with_a_word(
    board: VirtualBoard, make_app: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash.bytecode, "compiler_path", lambda: None)
    notes: list[str] = []
    done = flash.flash(str(make_app()), board.tty, note=notes.append)
    assert any("mpy-cross" in note for note in notes)
    assert "/lib/midge_device/slots.py" in done.sent
    assert "/lib/midge_device/slots.mpy" in done.removed
    assert done.welcome is not None


def test_erase_removes_what_is_midges_and_only_that(
    board: VirtualBoard, make_app: Callable[..., Path], make_model: Callable[..., Model]
) -> None:
    app = make_app()
    model_file.save(make_model(), app / "build")
    flash.flash(str(app), board.tty)
    (board.folder / "notes.txt").write_text("mine")
    (board.folder / "boot.py").write_text("# mine")
    (board.folder / "midge/log0.txt").write_text("an event")
    before = sorted(path for path in board.folder.rglob("*") if path.is_file())
    planned = flash.flash(str(app), board.tty, erase=True, dry_run=True)
    assert sorted(path for path in board.folder.rglob("*") if path.is_file()) == before
    done = flash.flash(str(app), board.tty, erase=True)
    assert (done.removed, done.sent) == (planned.removed, planned.sent)
    assert "/midge/log0.txt" in done.removed
    assert (board.folder / "notes.txt").read_text() == "mine"
    assert (board.folder / "boot.py").read_text() == "# mine"
    assert not (board.folder / "midge/log0.txt").exists()
    assert done.welcome is not None
    assert done.welcome.model is not None


def test_an_app_py_of_its_owner_is_kept(stock: VirtualBoard, make_app: Callable[..., Path]) -> None:
    (stock.folder / "app.py").write_text(FOREIGN)
    done = flash.flash(str(make_app()), stock.tty)
    assert done.kept == ("/main.py.before-midge", "/app.py.before-midge")
    assert (stock.folder / "app.py.before-midge").read_text() == FOREIGN
    again = flash.flash(str(make_app()), stock.tty)
    assert again.kept == ()


def test_a_full_board_is_told_before_anything_is_written(
    stock: VirtualBoard, make_app: Callable[..., Path]
) -> None:
    stock.set_flash_bytes(40_000)
    with pytest.raises(BudgetExceeded, match="bytes of flash left"):
        flash.flash(str(make_app()), stock.tty)
    assert sorted(path.name for path in stock.folder.iterdir()) == ["main.py"]


def test_a_model_that_stays_from_before_is_told(
    board: VirtualBoard, make_app: Callable[..., Path], make_model: Callable[..., Model], tmp_path: Path
) -> None:
    model_file.save(make_model(), tmp_path / "model")
    flash.flash(str(make_app()), board.tty)
    push.push(board.tty, str(tmp_path / "model"))
    notes: list[str] = []
    done = flash.flash(str(make_app()), board.tty, note=notes.append)
    assert done.welcome is not None
    assert done.welcome.model is not None
    assert any("still runs the model tester" in note for note in notes)


def test_an_app_without_main_is_told(stock: VirtualBoard, make_app: Callable[..., Path]) -> None:
    app = make_app()
    (app / "main.py").unlink()
    with pytest.raises(RecipeError, match=r"main\.py is missing"):
        flash.flash(str(app), stock.tty)


def test_an_app_that_crashes_is_told_with_its_error(
    stock: VirtualBoard, make_app: Callable[..., Path]
) -> None:
    app = make_app(main="import nonsense\n")
    with pytest.raises(DeviceError, match="nonsense"):
        flash.flash(str(app), stock.tty)


def facts(**changes: object) -> BoardFacts:
    values = {
        "version": (1, 25, 0),
        "mpy": 0x1206,
        "machine": "Raspberry Pi Pico with RP2040",
        "build": "RPI_PICO",
        "platform": "rp2",
        "free_flash_bytes": 1,
        "free_ram_bytes": 1,
        "max_alloc_bytes": 1,
    }
    return BoardFacts(**(values | changes))  # type: ignore[arg-type]


def test_the_board_is_told_by_its_firmware_or_by_its_user() -> None:
    assert board_facts.choose_board(facts(), None).name == "rpi_pico"
    assert (
        board_facts.choose_board(facts(build="", machine="midge virtual board with x64"), None).name
        == "virtual"
    )
    assert board_facts.choose_board(facts(build="X", machine="X"), "rpi_pico").name == "rpi_pico"
    with pytest.raises(DeviceError, match=r"--board \(arduino_nano_rp2040_connect, .*rpi_pico, .*virtual\)"):
        board_facts.choose_board(facts(build="X", machine="X"), None)
    with pytest.raises(DeviceError, match="no board 'pico'"):
        board_facts.choose_board(facts(), "pico")


def test_targets_come_from_the_firmware() -> None:
    names = {mpy: facts(mpy=mpy).target for mpy in (0x1206, 0x0B06, 6, 0x2A06)}
    assert [target and target.name for target in names.values()] == ["armv6m", "x64", None, "xtensawin"]


def test_a_board_gets_the_library_without_other_boards_files() -> None:
    files = board_files.library_files(board_facts.known_boards()["rpi_pico"])
    boards = [path for path in files if "/boards/" in path]
    assert boards == ["/lib/midge_device/boards/__init__.py", "/lib/midge_device/boards/rpi_pico.py"]
    assert "/lib/midge_device/wire/frame.py" in files


def test_a_firmware_without_native_code_gets_a_line(make_app: Callable[..., Path]) -> None:
    notes: list[str] = []
    assert board_files.native_file(facts(mpy=6), notes.append) == {}
    assert "no native code" in notes[0]


def test_an_old_micropython_is_refused(stock: VirtualBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_facts.versions, "MICROPYTHON_FLOOR", (9, 9))
    with (
        RawRepl(stock.tty) as repl,
        pytest.raises(VersionMismatch, match=r"MicroPython 1\.\d+\.\d+, midge needs 9\.9"),
    ):
        board_facts.read_facts(repl)
