"""Boards by name, several at once, in the foreground; and what is left of one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.errors import DeviceNotFound, MidgeError
from midge.virtual import VirtualBoard, find, registry

ASK_FOR_X = (
    "import machine, time; i = machine.I2C(0); i.writeto_mem(0x18, 0x20, b'\\x57'); time.sleep_ms(20); "
    "print(i.readfrom_mem(0x18, 0xA8, 2))"
)


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Named boards of these tests are nobody else's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@contextmanager
def foreground(*words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`midge board start --json …`: the process and its one line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "midge", "board", "start", "--json", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_a_named_board_keeps_its_files_and_is_found() -> None:
    with VirtualBoard("desk") as board:
        (board.folder / "kept").write_text("x")
        found = find("desk")
        assert (found.name, found.tty, Path(found.folder)) == ("desk", board.tty, board.folder)
        assert [running.name for running in registry.running()] == ["desk"]
    with pytest.raises(DeviceNotFound, match="midge board start desk"):
        find("desk")
    assert registry.running() == []
    with VirtualBoard("desk") as board:
        assert (board.folder / "kept").read_text() == "x"


def test_a_board_can_not_run_twice() -> None:
    with VirtualBoard("desk"), pytest.raises(MidgeError, match="the board desk runs already"):
        VirtualBoard("desk").__enter__()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65])
def test_names_that_are_no_file_names(name: str) -> None:
    with pytest.raises(MidgeError, match="can't be a board's name"):
        registry.board_folder(name)


def test_several_boards_at_once(connect: Any) -> None:
    with VirtualBoard() as one, VirtualBoard() as two:
        clients = [connect(board) for board in (one, two)]
        for number, client in enumerate(clients):
            client.run(f"mine = {number}")
        assert [client.run("print(mine)") for client in clients] == ["0\r\n", "1\r\n"]


def test_a_closed_board_leaves_nothing(connect: Any) -> None:
    with VirtualBoard() as board:
        run_folder = Path(board.tty).parent
        connect(board).close()
    assert not run_folder.exists()
    with pytest.raises(MidgeError, match="does not run"):
        board.time_us()


def test_foreground(connect: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "scene.npz", samples_g=np.tile((0.5, 0, 1), (10, 1)), rate_hz=10.0)
    scene = str(tmp_path / "scene.npz")
    with foreground("desk", "--clock", "free", "--heap", "300000", "--scene", scene) as (process, about):
        assert set(about) == {"tty", "name", "control", "folder"}
        client = connect(find("desk"))
        assert client.run(ASK_FOR_X) == f"{(8000).to_bytes(2, 'little')!r}\r\n"
        assert int(client.run("import gc; print(gc.mem_free() + gc.mem_alloc())")) < 310_000
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    assert not os.path.lexists(about["tty"])
    assert registry.running() == []


def test_what_a_killed_board_leaves_is_cleaned_up(connect: Any) -> None:
    with foreground("desk", "--no-sensor") as (process, about):
        process.kill()
        process.wait()
    with pytest.raises(DeviceNotFound):
        find("desk")
    assert os.path.lexists(about["tty"])
    with VirtualBoard("desk") as board:
        assert not os.path.lexists(about["tty"])
        assert connect(board).run("print(1)") == "1\r\n"


def test_a_board_ends_with_its_parent_and_cleans_up() -> None:
    program = (
        "import os\nfrom midge.virtual import VirtualBoard\n"
        "board = VirtualBoard().__enter__()\nprint(board.tty, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    # The pipe that we read its output from is at its end only when the board's process has gone too.
    assert not Path(done.stdout.strip()).parent.exists()


def is_running(pid: int) -> bool:
    """False for a process that has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_the_interpreter_dies_with_its_supervisor(connect: Any) -> None:
    with foreground("desk") as (process, _about):
        client = connect(find("desk"))
        client.start("import ffi; print(ffi.open('libc.so.6').func('i', 'getpid', '')())\nwhile True: pass")
        pid = int(client.read_until(b"\r\n"))
        assert is_running(pid)
        process.kill()
        process.wait()
    while is_running(pid):  # the kernel takes a moment
        pass


def test_a_board_without_interpreter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDGE_MICROPYTHON", "/no/such/thing")
    with pytest.raises(MidgeError, match=r"did not start: \$MIDGE_MICROPYTHON"):
        VirtualBoard().__enter__()


def test_wrong_questions_are_answered() -> None:
    with VirtualBoard() as board:
        for op, arguments in (("fly", {}), ("reset", {"kind": "odd"}), ("play", {"scene": {}})):
            with pytest.raises(MidgeError):
                board._ask(op, **arguments)
        assert board.is_on


def test_the_package_imports_without_posix_terminals() -> None:
    program = (
        "import sys\n"
        "for name in ('termios', 'pty', 'fcntl', 'tty', 'resource'): sys.modules[name] = None\n"
        "import midge.virtual.registry, midge.virtual.scene, midge.virtual.interpreter, midge.virtual\n"
        "from midge.virtual import Scene, find, VirtualBoard\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
