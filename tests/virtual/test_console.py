"""The prompt, ^C, resets, and clients that come and go."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import serial
from mpremote.transport import TransportExecError

from midge.virtual import VirtualBoard

TIMEOUT_S = 20


@pytest.fixture
def line(board: VirtualBoard) -> Iterator[serial.Serial]:
    """A bare line, at the friendly prompt."""
    with serial.Serial(board.tty, timeout=TIMEOUT_S) as opened:
        opened.write(b"\x02'mark'\r")
        opened.read_until(b"'mark'\r\n'mark'\r\n>>> ")
        yield opened


def answer(line: serial.Serial, typed: bytes, end: bytes = b"\r\n>>> ") -> bytes:
    """What comes back for `typed`, without the prompt at its end."""
    line.write(typed)
    came = line.read_until(end)
    assert came.endswith(end), came
    return bytes(came[: -len(end)])


def test_friendly_prompt(line: serial.Serial) -> None:
    assert answer(line, b"6 * 7\r") == b"6 * 7\r\n42"
    assert answer(line, b"x = 'a\x7fb'\r") == b"x = 'a\b \bb'"
    assert answer(line, b"x\r") == b"x\r\n'b'"
    assert answer(line, b"for i in range(2):\r    print(i)\r\r").endswith(b"\r\n0\r\n1")
    assert answer(line, b"[1,\r2]\r").endswith(b"\r\n[1, 2]")
    traceback = b'File "<stdin>", line 1, in <module>\r\nZeroDivisionError: divide by zero'
    assert answer(line, b"1/0\r").endswith(traceback)
    assert answer(line, b"oops(\x03") == b"oops("


def test_paste_mode(line: serial.Serial) -> None:
    line.write(b"\x05")
    line.read_until(b"=== ")
    assert answer(line, b"def f():\r  return 7\r\rprint(f())\r\x04").endswith(b"\r\n7")


def test_input_and_line_ends(line: serial.Serial) -> None:
    line.write(b"name = input('who? ')\r")
    line.read_until(b"\r\nwho? ")
    assert answer(line, b"me\r") == b"me"
    assert answer(line, b"name\r").endswith(b"'me'")
    printed = answer(line, b"import sys; print('a\\nb'); _ = sys.stdout.buffer.write(b'c\\nd\\r\\n')\r")
    assert printed.endswith(b"\r\na\r\nb\r\nc\nd")


def test_raw_bytes_reach_a_program_that_owns_the_line(repl: Any, board: VirtualBoard) -> None:
    repl.start(
        "import sys, micropython\nmicropython.kbd_intr(-1)\nprint('go')\n"
        "print(sys.stdin.buffer.read(256) == bytes(range(256)))\nmicropython.kbd_intr(3)\n"
    )
    repl.read_until(b"go\r\n")
    repl.transport.serial.write(bytes(range(256)))
    assert repl.finish() == ("True\r\n", "")


def test_ctrl_c_in_a_busy_loop(repl: Any) -> None:
    for _ in range(3):
        repl.start("print('in it')\nwhile True: pass")
        repl.read_until(b"in it\r\n")
        repl.transport.serial.write(b"\x03\x03\x03")  # a nervous user
        _, error = repl.finish()
        assert error.endswith("KeyboardInterrupt: \r\n"), error
    assert repl.run("print('alive')") == "alive\r\n"


@pytest.mark.parametrize(
    "waiting",
    [
        "time.sleep(9)",
        "poll.poll()",
        "sys.stdin.read(1)",
        "machine.lightsleep()",
        "while True: machine.idle()",
    ],
)
def test_ctrl_c_in_a_wait(repl: Any, board: VirtualBoard, waiting: str) -> None:
    board.stall()
    repl.start(
        "import time, select, sys, machine\npoll = select.poll()\npoll.register(sys.stdin, select.POLLIN)\n"
        f"print('in it')\n{waiting}"
    )
    repl.read_until(b"in it\r\n")
    repl.transport.serial.write(b"\x03")
    assert "KeyboardInterrupt" in repl.finish()[1]


def test_a_program_may_catch_ctrl_c_and_go_on(repl: Any) -> None:
    repl.start(
        "import time\nn = 0\nwhile n < 3:\n  try:\n    print('ready')\n    while True: time.sleep(1)\n"
        "  except KeyboardInterrupt: n += 1\nprint(n)"
    )
    for _ in range(3):
        repl.read_until(b"ready\r\n")
        repl.transport.serial.write(b"\x03")
    assert repl.finish() == ("3\r\n", "")


def test_main_runs_after_boot_and_soft_reset_but_not_in_raw_mode(
    board: VirtualBoard, line: serial.Serial, connect: Callable[..., Any]
) -> None:
    (board.folder / "boot.py").write_text("print('boot')\n")
    (board.folder / "main.py").write_text("print('main')\nkept = 1\n")
    line.write(b"\x04")
    started = line.read_until(b">>> ")
    assert b"MPY: soft reboot\r\nboot\r\nmain\r\nMicroPython v1." in started
    assert answer(line, b"kept\r").endswith(b"1")
    line.write(b"\x01\x04")
    assert line.read_until(b"raw REPL; CTRL-B to exit\r\n>").endswith(b"raw REPL; CTRL-B to exit\r\n>")
    started = line.read_until(b"boot\r\nraw REPL; CTRL-B to exit\r\n>")
    assert started.startswith(b"\r\nMPY: soft reboot\r\nboot\r\n")
    board.reset("hard")
    assert b"boot\r\nmain\r\n" in line.read_until(b">>> ")


def test_soft_reset_from_a_program(board: VirtualBoard, line: serial.Serial) -> None:
    (board.folder / "main.py").write_text(
        "import machine, os\n"
        "if 'once' not in os.listdir('/'):\n"
        "  open('once', 'w').close()\n"
        "  try: machine.soft_reset()\n"
        "  finally: print('unwound')\n"
        "print('second time', machine.reset_cause() == machine.SOFT_RESET)\n"
    )
    line.write(b"\x04")
    assert b"unwound\r\nMPY: soft reboot\r\nsecond time True\r\n" in line.read_until(b"information.\r\n>>> ")


def test_an_exception_in_main_leaves_a_prompt(board: VirtualBoard, line: serial.Serial) -> None:
    (board.folder / "main.py").write_text("import missing\n")
    line.write(b"\x04")
    started = line.read_until(b"information.\r\n>>> ")
    assert b"File \"/main.py\", line 1, in <module>\r\nImportError: no module named 'missing'\r\n" in started


def test_clients_come_and_go(board: VirtualBoard, connect: Callable[..., Any]) -> None:
    for number in range(5):
        client = connect(board)
        assert client.run(f"print({number})") == f"{number}\r\n"
        client.close()


def test_a_program_runs_on_without_client_and_the_next_one_is_not_told_old_news(
    board: VirtualBoard, connect: Callable[..., Any]
) -> None:
    board.stall()
    client = connect(board)
    client.start("import time\nprint('x' * 3000)\ntime.sleep(1)\nprint('y' * 100000)\ndone = True")
    client.read_until(b"x" * 100)
    client.close()
    board.advance(2_000_000)
    client = connect(board)
    assert client.run("print(done)") == "True\r\n"


def test_a_client_that_is_slow_holds_the_board_and_loses_nothing(repl: Any) -> None:
    """More than pipe, backlog and line hold together."""
    repl.start("for i in range(20000): print('line', i)")
    expected = "".join(f"line {i}\r\n" for i in range(20000)).encode() + b"\x04\x04>"
    assert repl.transport.serial.read(len(expected)) == expected


def test_garbage_never_kills_the_prompt(board: VirtualBoard, connect: Callable[..., Any]) -> None:
    noise = random.Random(1)
    with serial.Serial(board.tty, timeout=TIMEOUT_S) as line:
        for _ in range(50):
            line.write(bytes(noise.choice([1, 2, 3, 5, 8, 10, 13, 27, *range(32, 256)]) for _ in range(200)))
            line.reset_input_buffer()
        line.write(b"\r\x03\x03\x02")
    assert connect(board, soft_reset=True).run("print(1)") == "1\r\n"


def test_programs_that_are_no_programs(repl: Any) -> None:
    with pytest.raises(TransportExecError, match="SyntaxError"):
        repl.run("def (")
    with pytest.raises(TransportExecError, match="KeyboardInterrupt"):
        repl.run("raise KeyboardInterrupt")
    assert repl.run("") == ""


def test_print_exception_and_streams_of_a_board(repl: Any) -> None:
    assert repl.run(
        "import sys, io, asyncio\n"
        "try: 1/0\n"
        "except Exception as e:\n"
        "  s = io.StringIO(); sys.print_exception(e, s); print(s.getvalue().splitlines()[-1])\n"
        "async def main():\n"
        "  await asyncio.sleep_ms(10); print('slept')\n"
        "asyncio.run(main())\n"
    ) == "ZeroDivisionError: divide by zero\r\nslept\r\n"  # fmt: skip
