"""Power cuts, a flash that is full, and the file system."""

from __future__ import annotations

from typing import Any

import pytest
import serial
from mpremote.transport import TransportExecError

from midge.errors import MidgeError
from midge.virtual import VirtualBoard

# Seven changes of the file system.
SAVE = """
import os
with open('new', 'w') as f:  # 1
    f.write('half ')  # 2
    f.write('whole')  # 3
os.rename('new', 'old')  # 4
os.mkdir('sub')  # 5
open('sub/x', 'w').close()  # 6
os.remove('old')  # 7
"""


@pytest.mark.parametrize(
    ("n", "left"),
    [
        (1, {"main.py"}),
        (2, {"main.py", "new"}),
        (3, {"main.py", "new"}),
        (4, {"main.py", "new"}),
        (5, {"main.py", "old"}),
        (6, {"main.py", "old", "sub"}),
        (7, {"main.py", "old", "sub", "sub/x"}),
    ],
)
def test_a_cut_before_every_change(board: VirtualBoard, n: int, left: set[str]) -> None:
    board.stall()
    (board.folder / "main.py").write_text(SAVE)
    board.cut_power_after_writes(n)
    board.reset("hard")
    board.run()
    board.wait_until("off")
    found = {str(path.relative_to(board.folder)) for path in board.folder.rglob("*")}
    assert found == left
    if n in (3, 4):
        assert (board.folder / "new").read_text() == ("half " if n == 3 else "half whole")


def test_changes_are_counted(repl: Any, board: VirtualBoard) -> None:
    before = board.flash_changes
    repl.run(SAVE)
    assert board.flash_changes - before == 7


def test_a_cut_takes_the_line_away_and_power_brings_it_back(
    board: VirtualBoard, connect: Any, repl: Any
) -> None:
    (board.folder / "main.py").write_text("print('again')\n")
    tty = board.tty
    board.cut_power()
    assert not board.is_on
    with pytest.raises((OSError, serial.SerialException)):
        repl.transport.serial.read(1)
    with pytest.raises(serial.SerialException):
        serial.Serial(tty)
    with pytest.raises(MidgeError, match="no power"):
        board.reset()
    board.power_on()
    assert connect(board).run("import machine; print(machine.reset_cause())") == "1\r\n"


def test_a_cut_resets_the_sensor_and_a_reset_does_not(board: VirtualBoard, connect: Any, repl: Any) -> None:
    ask = "import machine; print(machine.I2C(0).readfrom_mem(0x18, 0x20, 1))"
    repl.run("import machine; machine.I2C(0).writeto_mem(0x18, 0x20, b'\\x57')")
    repl.close()
    board.reset("hard")
    second = connect(board)
    assert second.run(ask) == "b'W'\r\n"
    second.close()
    board.cut_power()
    board.power_on()
    assert connect(board).run(ask) == "b'\\x07'\r\n"


def test_a_full_flash(repl: Any, board: VirtualBoard) -> None:
    board.set_flash_bytes(64 * 1024)
    total, free = map(
        int, repl.run("import os; s = os.statvfs('/'); print(s[0] * s[2], s[0] * s[3])").split()
    )
    assert total == 64 * 1024 and free <= total - 2 * 4096
    with pytest.raises(TransportExecError, match=r"\[Errno 28\] ENOSPC|OSError: 28"):
        repl.run("with open('big', 'wb') as f:\n  for i in range(100): f.write(bytes(1024))")
    assert free - 4096 <= (board.folder / "big").stat().st_size <= free
    assert repl.run("os.remove('big'); print(os.statvfs('/')[3] * 4096)") == f"{free}\r\n"


def test_small_writes_fill_no_more_than_they_are(repl: Any, board: VirtualBoard) -> None:
    board.set_flash_bytes(64 * 1024)
    repl.run("with open('log', 'w') as f:\n  for i in range(2000): f.write('ten bytes\\n')")
    assert (board.folder / "log").stat().st_size == 20000


def test_files_as_on_a_board(repl: Any, board: VirtualBoard) -> None:
    assert repl.run(
        "import os\n"
        "os.mkdir('d')\n"
        "with open('d/a', 'w') as f: print(f.write('one\\ntwo\\n'))\n"
        "with open('d/a', 'a') as f: f.write('three\\n')\n"
        "with open('d/a') as f: print(f.readlines())\n"
        "with open('d/a', 'r+') as f: f.seek(4); f.write('TWO'); f.seek(0); print(f.read())\n"
        "print(list(os.ilistdir('d')), os.stat('d/a')[6])\n"
        "os.chdir('d'); print(os.getcwd(), os.listdir(), os.listdir('/'))\n"
        "open('b', 'w').close(); os.rename('a', 'b'); print(os.listdir())\n"
        "os.chdir('/../..'); print(os.getcwd(), os.listdir('/d/../..'))"
    ).replace("\r\n", "\n") == (
        "8\n['one\\n', 'two\\n', 'three\\n']\none\nTWO\nthree\n\n"
        "[('a', 32768, 0, 14)] 14\n/d ['a'] ['d']\n['b']\n/ ['d']\n"
    )  # fmt: skip
    assert (board.folder / "d" / "b").read_text() == "one\nTWO\nthree\n"
    for code in ("open('no')", "os.remove('no')", "os.chdir('no')", "os.stat('no')"):
        with pytest.raises(TransportExecError, match="ENOENT"):
            repl.run(code)


def test_modules_come_from_the_flash(repl: Any, board: VirtualBoard) -> None:
    (board.folder / "lib" / "package").mkdir(parents=True)
    (board.folder / "lib" / "package" / "__init__.py").write_text("from .part import x\n")
    (board.folder / "lib" / "package" / "part.py").write_text("x = 3\nprint(__file__)\n")
    assert repl.run("import package; print(package.x)") == "/lib/package/part.py\r\n3\r\n"
    with pytest.raises(TransportExecError, match="ImportError"):
        repl.run("import channel")  # the runtime itself is not to be seen


def test_a_crash_of_native_code_restarts_the_board(board: VirtualBoard, connect: Any, repl: Any) -> None:
    repl.start("import machine; machine.mem32[0]")
    came = repl.read_until(b"crashed (signal 11); it restarts\r\n")
    assert b"virtual board: the interpreter" in came
    repl.close()
    assert connect(board).run("print('alive')") == "alive\r\n"


def test_a_board_that_crashes_at_every_start_stays_off(board: VirtualBoard) -> None:
    (board.folder / "boot.py").write_text("import machine; machine.mem32[0]\n")
    board.reset("hard")
    board.wait_until("off")
    (board.folder / "boot.py").unlink()
    board.power_on()
    assert board.is_on
