"""Board time: free, real or stalled, and the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge.errors import MidgeError
from midge.virtual import Scene, VirtualBoard
from midge.virtual.clock import Clock

# Reads the FIFO at its own pace and writes down what it saw and when.
LOGGER = """
import machine, time, struct
i2c = machine.I2C(0)
fired = 0
def on_watermark(pin):
    global fired
    fired += 1
machine.Pin(2, machine.Pin.IN).irq(on_watermark, machine.Pin.IRQ_RISING)
for register, value in ((0x24, 0x40), (0x2E, 0x80 | 19), (0x22, 4), (0x20, 0x57)):
    i2c.writeto_mem(0x18, register, bytes([value]))
with open('log', 'wb') as log:
    while time.ticks_ms() < 5000:
        if not fired:
            time.sleep_ms(7)
            continue
        fired = 0
        n = i2c.readfrom_mem(0x18, 0x2F, 1)[0] & 31
        log.write(struct.pack('<qi', time.ticks_us(), n) + i2c.readfrom_mem(0x18, 0xA8, 6 * n))
print('logged')
"""


def test_time_costs_nothing_in_free_mode(repl: Any, board: VirtualBoard) -> None:
    before_us = board.time_us()
    repl.run("import time; time.sleep(24 * 3600)")
    assert board.time_us() - before_us >= 24 * 3600 * 1_000_000


def test_computing_takes_no_time_in_free_mode(repl: Any) -> None:
    took_us = repl.run(
        "import time\nt = time.ticks_us()\nfor i in range(100000): pass\n"
        "print(time.ticks_diff(time.ticks_us(), t))"
    )
    assert int(took_us) < 10


def test_a_loop_on_the_clock_comes_to_an_end(repl: Any) -> None:
    assert repl.run(
        "import time\nt = time.ticks_ms()\n"
        "while time.ticks_diff(time.ticks_ms(), t) < 100: pass\nprint('over')"
    ) == "over\r\n"  # fmt: skip


def test_two_runs_are_equal(tmp_path: Path) -> None:
    scene = Scene(np.random.default_rng(1).normal(0, 0.5, (700, 3)), 123.0)
    logs = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        (folder / "main.py").write_text(LOGGER)
        with VirtualBoard(scene=scene, folder=folder) as board:
            board.wait_until("idle")
            logs.append((board.folder / "log").read_bytes())
    assert len(logs[0]) > 3000
    assert logs[0] == logs[1]


def test_ticks_wrap_as_on_a_board(repl: Any) -> None:
    assert repl.run(
        "import time\n"
        "print(time.ticks_add((1 << 30) - 1, 2), time.ticks_diff(1, (1 << 30) - 1))\n"
        "time.sleep(2000)\nprint(0 <= time.ticks_us() < 1 << 30)"
    ) == "1 2\r\nTrue\r\n"  # fmt: skip


def test_a_stalled_clock_stands_and_moves_by_hand(repl: Any, board: VirtualBoard) -> None:
    start_us = board.stall()
    repl.start(
        "import time, sys\nt = time.ticks_us()\nprint('in it')\n"
        "for i in range(3):\n"
        "    time.sleep_ms(100)\n"
        "    print('tick', time.ticks_diff(time.ticks_us(), t) // 1000)\n"
        "sys.stdin.read(1)"
    )
    repl.read_until(b"in it\r\n")
    assert board.advance(50_000) == start_us + 50_000
    assert board.advance(60_000) == start_us + 110_000
    assert repl.read_until(b"\r\n") == b"tick 100\r\n"
    board.advance(1_000_000)
    assert board.time_us() == start_us + 1_110_000
    repl.transport.serial.write(b"!")
    assert repl.finish() == ("tick 200\r\ntick 300\r\n", "")


def test_a_stalled_loop_on_the_clock_sees_time_move(repl: Any, board: VirtualBoard) -> None:
    board.stall()
    repl.start(
        "import time\nt = time.ticks_ms()\nprint('in it')\n"
        "while time.ticks_diff(time.ticks_ms(), t) < 100: pass"
    )
    repl.read_until(b"in it\r\n")
    board.advance(200_000)
    assert repl.finish() == ("", "")


def test_only_a_stalled_clock_is_moved_by_hand(board: VirtualBoard) -> None:
    with pytest.raises(MidgeError, match="stall the board first"):
        board.advance(1)
    with pytest.raises(MidgeError, match="no clock 'lunar'"):
        board.set_clock("lunar")


def test_real_time(repl: Any, board: VirtualBoard) -> None:
    start_us = board.set_clock("real")
    took_ms = repl.run(
        "import time\nt = time.ticks_ms()\ntime.sleep_ms(50)\nprint(time.ticks_diff(time.ticks_ms(), t))"
    )
    assert int(took_ms) >= 50
    assert board.time_us() - start_us >= 50_000


def test_a_real_clock_goes_as_far_as_the_wall_and_forgives_what_held_it_up() -> None:
    wall_us = 5_000_000
    clock = Clock("real", wall_us=lambda: wall_us)
    assert (clock.now_us(), clock.limit_us()) == (0, 0)
    wall_us += 70
    assert (clock.now_us(), clock.limit_us()) == (0, 70)
    clock.advance(60)
    clock.forgive(250)
    assert (clock.now_us(), clock.limit_us()) == (60, 70)
    wall_us += 10_000
    clock.forgive(250)
    assert (clock.now_us(), clock.limit_us()) == (60, 310)
    clock.set_mode("free")
    assert clock.limit_us() is None
    clock.set_mode("real")
    assert (clock.now_us(), clock.limit_us()) == (60, 60)


def test_computing_takes_processor_time_on_a_real_clock(repl: Any, board: VirtualBoard) -> None:
    board.set_clock("real")
    took_ms = repl.run(
        "import time\nt = time.ticks_ms()\nn = 0\nwhile n < 10000000: n += 1\n"
        "print(time.ticks_diff(time.ticks_ms(), t))"
    )
    assert int(took_ms) > 0


def test_a_program_that_owns_the_line_waits_for_its_host(repl: Any, board: VirtualBoard) -> None:
    """A second at most after the last byte: so no heartbeat is late, however slow the host is."""
    repl.start(
        "import micropython, select, sys, time\n"
        "poll = select.poll(); poll.register(sys.stdin, select.POLLIN)\n"
        "micropython.kbd_intr(-1)\n"
        "t = time.ticks_ms(); print('mine')\n"
        "n = 0\n"
        "while not poll.poll(100): n += 1\n"
        "print(n); sys.stdin.read(1); n = 0\n"
        "while n < 30 and not poll.poll(100): n += 1\n"
        "micropython.kbd_intr(3); print(n)"
    )
    repl.read_until(b"mine\r\n")
    before_us = board.time_us()
    for _ in range(200):  # the host is busy with something else: the board stands still
        assert board.time_us() - before_us < 1_000_000
    repl.transport.serial.write(b"!")
    assert int(repl.read_until(b"\r\n")) <= 9
    repl.transport.serial.write(b"!")
    assert int(repl.finish()[0]) <= 9


def test_the_line_is_not_waited_for_when_the_host_has_gone(
    board: VirtualBoard, connect: Any, repl: Any
) -> None:
    repl.start(
        "import micropython, time\nmicropython.kbd_intr(-1)\nprint('mine')\ntime.sleep(10)\n"
        "micropython.kbd_intr(3)\nopen('done', 'w').close()"
    )
    repl.read_until(b"mine\r\n")
    repl.close()
    board.wait_until("idle")
    assert (board.folder / "done").exists()


def test_a_stalled_clock_waits_for_no_host(repl: Any, board: VirtualBoard) -> None:
    board.stall()
    repl.start(
        "import micropython, time\nmicropython.kbd_intr(-1)\nprint('mine')\ntime.sleep(10)\nprint('over')"
    )
    repl.read_until(b"mine\r\n")
    board.advance(11_000_000)
    assert repl.finish()[0] == "over\r\n"
