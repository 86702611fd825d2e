"""Bad days, through the command line on a virtual board: one clear line each, and nothing is lost.

More of them where the part is tested: power cuts in mid-recording (test_record_on_board.py), at every write
of a push (device/test_pipeline.py), a full disk under a recording (test_record.py).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midge import cli, flash, install, model_file, record, recording
from midge.board_facts import BoardFacts
from midge.messages import Data, Log
from midge.model_file import Model
from midge.mpremote_link import RawRepl
from midge.session import connect
from midge.transport import open_transport
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


# --- unplugged ----------------------------------------------------------------------------------------


def test_unplugged_in_mid_flash_the_next_flash_goes_on(capsys: Capture, stock_app: Path) -> None:
    with VirtualBoard() as board:
        (board.folder / "main.py").write_text("print('mine')\n")
        board.cut_power_after_writes(60)
        code, _, err = run(capsys, "flash", str(stock_app), board.tty)
        assert code == 1
        assert "plug it in and try again" in one_line(err)
        board.power_on()
        there = sum(path.is_file() for path in (board.folder / "lib").rglob("*"))
        assert there > 5
        code, out, err = run(capsys, "flash", str(stock_app), board.tty)
        assert code == 0, err
        assert f"; {there - 1} unchanged" in out or f"; {there} unchanged" in out
        assert (board.folder / "main.py.before-midge").read_text() == "print('mine')\n"
        digest(board)


@pytest.mark.check  # twenty seconds of waiting for the board to come back
def test_unplugged_in_mid_push_the_old_model_runs_and_the_next_push_goes_on(
    capsys: Capture, running: VirtualBoard, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    old = digest(running)
    new = make_model(2)
    path = str(model_file.save(new, tmp_path))
    running.cut_power_after_writes(12)
    code, _, err = run(capsys, "push", path, running.tty)
    assert code == 1
    assert "plug the board in" in one_line(err)
    running.power_on()
    assert digest(running) == old
    code, out, _ = run(capsys, "push", path, running.tty)
    assert (code, new.digest in out) == (0, True)


def _recording(app: Path, board: VirtualBoard, into: Path) -> list[str]:
    return [
        *("record", str(app), "--device", board.tty, "--label", "left", "--seconds", "60"),
        *("--no-countdown", "--into", str(into)),
    ]


def test_unplugged_in_mid_recording_what_came_is_kept(
    capsys: Capture, running: VirtualBoard, stock_app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = record._Run._take

    def unplugged(self: record._Run, block: Data) -> None:
        take(self, block)
        if running.is_on and block.first >= 200:
            running.cut_power()

    monkeypatch.setattr(record._Run, "_take", unplugged)
    code, _, err = run(capsys, *_recording(stock_app, running, tmp_path))
    assert code == 1
    assert "samples are kept in" in one_line(err)
    (kept,) = tmp_path.rglob("*.csv")
    got = recording.load(kept)
    assert got.partial
    assert len(got.samples) > 200


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_full_disk_of_the_computer_keeps_what_came(
    capsys: Capture, running: VirtualBoard, stock_app: Path, tmp_path: Path
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        code, _, err = run(capsys, *_recording(stock_app, running, tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 1
    assert "no room left" in one_line(err)
    (kept,) = tmp_path.rglob("*.csv")
    assert len(recording.load(kept).samples) > 100
    digest(running)


# --- two programs on one port -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["flash", "push", "monitor", "doctor", "record"])
def test_a_port_that_another_program_has(
    command: str, capsys: Capture, running: VirtualBoard, stock_app: Path
) -> None:
    words = {
        "flash": ["flash", str(stock_app), running.tty],
        "push": ["push", str(stock_app), running.tty],
        "monitor": ["monitor", running.tty],
        "doctor": ["doctor", running.tty],
        "record": ["record", str(stock_app), "--device", running.tty, "--label", "left"],
    }[command]
    with open_transport(running.tty):
        code, _, err = run(capsys, *words)
    assert code == 1
    assert "in use by another program; close it" in one_line(err)
    digest(running)


# --- apps that are no good ----------------------------------------------------------------------------

ENDS_AT_ONCE = {
    "raises": "raise RuntimeError('my mistake')\n",
    "sys.exit": "import sys\nsys.exit()\n",
    "machine.reset": "import machine\nmachine.reset()\n",
    "machine.soft_reset": "import machine\nmachine.soft_reset()\n",
    "syntax": "def f(:\n",
}


@pytest.mark.parametrize("how", ENDS_AT_ONCE)
def test_an_app_that_ends_at_boot_leaves_a_way_back(
    how: str, capsys: Capture, running: VirtualBoard, stock_app: Path
) -> None:
    old = digest(running)
    (running.folder / "app.py").write_text(ENDS_AT_ONCE[how])
    running.reset("hard")
    code, _, err = run(capsys, "flash", str(stock_app), running.tty)
    assert code == 0, err
    assert digest(running) == old
    assert (running.folder / "notes.txt").read_text() == "mine"


def test_a_board_that_resets_again_and_again_pauses_and_says_so(running: VirtualBoard) -> None:
    """Three short boots, then ten seconds in which ^C gives the prompt; a good start forgets them."""
    good = (running.folder / "app.py").read_bytes()
    (running.folder / "app.py").write_text(ENDS_AT_ONCE["sys.exit"])
    with open_transport(running.tty) as line:
        running.reset("hard")
        heard = b""
        while b"gives the prompt" not in heard:
            heard += line.read(5.0)
        assert b"ended the board 3 times in a row; ^C within 10 s" in heard
        SAID.extend(line.decode() for line in heard.splitlines() if b"times in a row" in line)
        while not heard.endswith(b">>> "):
            line.write(b"\x03")
            heard += line.read(0.2)
    assert not (running.folder / "midge/boots").exists()  # a ^C is no fault of the app
    (running.folder / "app.py").write_bytes(good)
    running.reset("hard")
    digest(running)
    assert not (running.folder / "midge/boots").exists()


def test_an_app_that_runs_is_never_counted_short(running: VirtualBoard) -> None:
    """Without any host: after five seconds the boot is no short one."""
    running.stall()
    (running.folder / "midge/boots").unlink(missing_ok=True)  # the first boot may be shorter
    running.reset("hard")
    running.advance(1_000_000)
    assert (running.folder / "midge/boots").read_text() == "1"
    running.advance(8_000_000)
    assert not (running.folder / "midge/boots").exists()


# --- no room ------------------------------------------------------------------------------------------


def test_a_full_board_is_told_and_runs_on(
    capsys: Capture, running: VirtualBoard, stock_app: Path, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    old = digest(running)
    path = str(model_file.save(make_model(2), tmp_path))
    running.set_flash_bytes(1)
    code, _, err = run(capsys, "push", path, running.tty)
    assert code == 1
    assert "remove files from the board" in one_line(err)
    (stock_app / "main.py").write_text((stock_app / "main.py").read_text() + "#\n")
    code, _, err = run(capsys, "flash", str(stock_app), running.tty)
    assert code == 1
    assert "0 bytes of flash left" in one_line(err)
    running.set_flash_bytes(2 * 1024 * 1024)
    running.reset("hard")
    assert digest(running) == old


def test_a_model_larger_than_the_memory(
    capsys: Capture, flashed: Path, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    large = make_model(3, trees=600)
    path = str(model_file.save(large, tmp_path / "large"))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(flashed, folder, dirs_exist_ok=True)
        with VirtualBoard(folder=folder, heap_bytes=224 * 1024) as board:
            old = digest(board)
            code, _, err = run(capsys, "push", path, board.tty)
            assert code == 1
            line = one_line(err)
            assert "bytes" in line
            assert "model" in line
            assert digest(board) == old


# --- no native code -----------------------------------------------------------------------------------


def test_a_firmware_without_native_code_records_and_says_the_rest(
    capsys: Capture, stock_app: Path, tmp_path: Path
) -> None:
    with VirtualBoard(native=False) as board:
        code, out, err = run(capsys, "flash", str(stock_app), board.tty)
        assert code == 0
        assert "no native code" in err
        SAID.extend(err.splitlines())
        assert "it runs tester, no model" in out
        code, _, err = run(capsys, "push", str(stock_app), board.tty)
        assert code == 1
        assert "loads no native code" in one_line(err)
        code, out, _ = run(
            capsys,
            *("record", str(stock_app), "--device", board.tty, "--label", "left"),
            *("--seconds", "1", "--no-countdown", "--into", str(tmp_path)),
        )
        assert code == 0
        assert "100 samples" in out


# --- garbage ------------------------------------------------------------------------------------------


def test_garbage_on_the_line_is_passed_over(capsys: Capture, running: VirtualBoard) -> None:
    noise = random.Random(1)
    with open_transport(running.tty) as line:
        for _ in range(20):
            line.write(bytes(noise.choice([b for b in range(256) if b != 3]) for _ in range(200)))
            line.read(0.02)
    code, out, _ = run(capsys, "devices", running.tty, "--json")
    assert code == 0
    assert '"name": "tester"' in out


# --- ^C -----------------------------------------------------------------------------------------------


def test_interrupt_in_mid_flash_is_one_word_and_the_next_goes_on(
    capsys: Capture, stock_app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = install.Install.write

    def interrupted(self: install.Install, path: str, data: bytes) -> None:
        if path.endswith("session.mpy"):
            raise KeyboardInterrupt
        write(self, path, data)

    with VirtualBoard() as board:
        monkeypatch.setattr(install.Install, "write", interrupted)
        code, _, err = run(capsys, "flash", str(stock_app), board.tty)
        assert (code, err.strip().splitlines()[-1]) == (130, "interrupted")
        monkeypatch.undo()
        done = flash.flash(str(stock_app), board.tty)
        assert len(done.unchanged) > 5
        digest(board)


def test_interrupt_of_doctor_leaves_a_board_that_answers(
    capsys: Capture, running: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: RawRepl) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RawRepl, "restart", interrupted)
    code, _, err = run(capsys, "doctor", running.tty)
    assert (code, err.strip()) == (130, "interrupted")
    SAID.append(err.strip())
    monkeypatch.undo()
    digest(running)


# Stage → where it is interrupted: in the middle of its work with the board, or before it has begun.
INTERRUPTED = {
    "push, in mid-file": ("push", "midge.push._send_file"),
    "push, while it builds": ("push", "midge.build.check"),
    "push, before the restart": ("push", "midge.push.activate"),
    "flash, while it asks": ("flash", "midge.flash.library_files"),
    "monitor": ("monitor", "midge.monitor.Monitor.line"),
    "record": ("record", "midge.record._Run._take"),
    "devices": ("devices", "midge.devices.ask"),
    "build": ("build", "midge.build.check"),
    "bench": ("bench", "midge.build.build"),
}


@pytest.mark.parametrize("stage", INTERRUPTED)
def test_interrupt_is_one_word_and_the_board_goes_on(
    stage: str,
    capsys: Capture,
    running: VirtualBoard,
    stock_app: Path,
    make_model: Callable[..., Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command, place = INTERRUPTED[stage]
    old = digest(running)
    words = {
        "push": ["push", str(model_file.save(make_model(5), tmp_path / "new")), running.tty],
        "flash": ["flash", str(stock_app), running.tty],
        "monitor": ["monitor", running.tty],
        "devices": ["devices", running.tty],
        "build": ["build", str(stock_app), "--target", "armv6m", "--out", str(tmp_path / "x.mpy")],
        "bench": ["bench", str(stock_app), "--target", "armv6m"],
        "record": [
            *("record", str(stock_app), "--device", running.tty, "--label", "left", "--seconds", "2"),
            *("--no-countdown", "--into", str(tmp_path)),
        ],
    }[command]
    reached = []

    def interrupted(*given: object, **options: object) -> None:
        reached.append(place)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    code, _, err = run(capsys, *words)
    assert reached
    last = err.strip().splitlines()[-1]
    SAID.append(last)
    assert "Traceback" not in err
    if command == "record":
        assert (code, "interrupted" in err or "partial" in err) == (130, True)
    elif command == "monitor":
        assert code == 0  # ^C is how it ends
    else:
        assert (code, last) == (130, "interrupted")
    monkeypatch.undo()
    assert digest(running) == old
    assert not (tmp_path / "x.mpy").exists()


def test_interrupt_while_the_command_is_being_imported() -> None:
    """The first moments are imports: no traceback there either."""
    program = """
import sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "rich.console":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
from midge.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "devices"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


# --- small things that were silent --------------------------------------------------------------------


def test_a_model_of_another_app_is_told(
    capsys: Capture, running: VirtualBoard, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    other = model_file.Model(**{**vars(make_model(4)), "name": "other"})
    path = str(model_file.save(other, tmp_path))
    code, _, err = run(capsys, "push", path, running.tty)
    assert code == 0
    assert "the board's app is tester: it hears the labels of other now" in err


def test_words_that_were_meant_are_suggested(capsys: Capture, tmp_path: Path) -> None:
    with VirtualBoard("bad-day-desk") as board:
        code, _, err = run(capsys, "flash", "gesture", board.name)
    assert code == 1
    assert "write virtual:bad-day-desk" in one_line(err)
    code, _, err = run(capsys, "build", "gesture", "--target", "pico", "--out", str(tmp_path / "x.mpy"))
    assert code == 1
    assert "for a board like that: armv6m" in one_line(err)


def test_facts_of_an_old_firmware_are_a_lack_not_an_error() -> None:
    old = BoardFacts((1, 19, 1), 0x1206, "Pico", "", "rp2", 1, 1, 1)
    assert not old.is_new_enough


# --- sensors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "mend", "said"),
    [
        (lambda board: board.attach_sensor(True), None, "the chip was reset"),
        (lambda board: board.attach_sensor(False), lambda board: board.attach_sensor(True), "EIO"),
        (lambda board: board.hang_bus(True), lambda board: board.hang_bus(False), "ETIMEDOUT"),
    ],
    ids=["its supply was gone for a moment", "unplugged", "the bus hangs"],
)
def test_a_sensor_that_fails_is_told_and_comes_back(
    spoil: Callable[[VirtualBoard], None],
    mend: Callable[[VirtualBoard], None] | None,
    said: str,
    running: VirtualBoard,
) -> None:
    told: list[str] = []
    with connect(running.tty) as session:
        session.idle(0.5)
        spoil(running)
        while not told or "is back" not in told[-1]:
            message = session.next_message()
            if isinstance(message, Log):
                told.append(message.text)
                if mend is not None and len(told) == 1:
                    mend(running)
    SAID.extend(told)
    assert said in told[0]
    assert told[1:] == ["midge: the sensor is back"]
