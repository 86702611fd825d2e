"""The official tool can't tell the virtual board from a real one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from midge.virtual import VirtualBoard

Mpremote = Callable[..., subprocess.CompletedProcess[str]]


def test_eval_and_exec(board: VirtualBoard, mpremote: Mpremote) -> None:
    assert mpremote(board, "eval", "6 * 7").stdout == "42\n"
    assert mpremote(board, "exec", "print('a'); print('b')").stdout == "a\nb\n"


def test_a_traceback_is_that_of_a_board(board: VirtualBoard, mpremote: Mpremote) -> None:
    done = mpremote(board, "exec", "def f():\n  1/0\nf()", code=1)
    assert done.stdout.splitlines()[:4] == [
        "Traceback (most recent call last):",
        '  File "<stdin>", line 3, in <module>',
        '  File "<stdin>", line 2, in f',
        "ZeroDivisionError: divide by zero",
    ]


def test_run_a_file(board: VirtualBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("# a long one\n" * 300 + "import sys\nprint(__name__, sys.path)\n")
    assert mpremote(board, "run", str(script)).stdout == "__main__ ['', '.frozen', '/lib']\n"


def test_files(board: VirtualBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(bytes(range(256)) * 20)
    mpremote(board, "fs", "mkdir", ":data", "+", "fs", "cp", str(there), ":data/x.bin")
    assert (board.folder / "data" / "x.bin").read_bytes() == there.read_bytes()
    listing = mpremote(board, "fs", "ls", ":data").stdout
    assert "5120 x.bin" in listing
    mpremote(board, "fs", "cp", ":data/x.bin", str(back))
    assert back.read_bytes() == there.read_bytes()
    there.write_text("seen\n")
    mpremote(board, "fs", "cp", str(there), ":seen.txt")
    assert mpremote(board, "fs", "cat", ":seen.txt").stdout == "seen\n"
    digest = mpremote(board, "fs", "sha256sum", ":seen.txt").stdout
    assert "seen.txt" in digest
    mpremote(board, "fs", "rm", ":seen.txt", "+", "fs", "rm", "-r", ":data")
    assert not list(board.folder.iterdir())
    assert "No such file" in mpremote(board, "fs", "rm", ":seen.txt", code=1).stderr


def test_folder_copy_and_df(board: VirtualBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    package = tmp_path / "thing"
    package.mkdir()
    (package / "__init__.py").write_text("from .deep import value\n")
    (package / "deep.py").write_text("value = 5\n")
    mpremote(board, "fs", "cp", "-r", str(package), ":")
    assert mpremote(board, "exec", "import thing; print(thing.value)").stdout == "5\n"
    assert "/" in mpremote(board, "df").stdout
    mpremote(board, "fs", "rm", "-r", ":thing")


def test_mip_install_of_a_local_package(board: VirtualBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "local.py").write_text("answer = 42\n")
    (tmp_path / "package.json").write_text(
        json.dumps({"version": "1", "urls": [["local/__init__.py", "local.py"]]})
    )
    mpremote(board, "mip", "install", str(tmp_path / "package.json"))
    assert (board.folder / "lib" / "local" / "__init__.py").is_file()
    assert mpremote(board, "exec", "import local; print(local.answer)").stdout == "42\n"
    mpremote(board, "fs", "rm", "-r", ":lib")


def test_mount(board: VirtualBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    (tmp_path / "mounted.py").write_text("print('from the host')\n" + "x = 1\n" * 200)
    (tmp_path / "data.txt").write_text("line 1\nline 2\n")
    done = mpremote(
        board, "mount", str(tmp_path), "exec",
        "import mounted, os; print(os.getcwd(), sorted(os.listdir()))\n"
        "print(open('data.txt').readlines())\n"
        "with open('made.txt', 'w') as f: f.write('on the board')",
    )  # fmt: skip
    assert "from the host\n/remote ['data.txt', 'mounted.py']\n['line 1\\n', 'line 2\\n']" in done.stdout
    assert (tmp_path / "made.txt").read_text() == "on the board"


def test_resume_keeps_what_soft_reset_forgets(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote(board, "exec", "kept = 1")
    assert mpremote(board, "resume", "exec", "print(kept)").stdout == "1\n"
    mpremote(board, "soft-reset")
    assert "NameError" in mpremote(board, "resume", "exec", "print(kept)", code=1).stdout


def test_reset(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote(board, "exec", "kept = 1")
    mpremote(board, "reset")
    causes = mpremote(
        board, "resume", "exec", "import machine; print(machine.reset_cause(), 'kept' in globals())"
    )
    assert causes.stdout == "2 False\n"


def test_rtc(board: VirtualBoard, mpremote: Mpremote) -> None:
    mpremote(board, "rtc", "--set")
    assert (
        mpremote(board, "resume", "exec", "import time; print(time.localtime()[0] > 2023)").stdout == "True\n"
    )
