"""Pins, buses, timers and the sensor as a program on the board sees them."""

from __future__ import annotations

from typing import Any

import pytest
from mpremote.transport import TransportExecError

from midge.virtual import Scene, VirtualBoard

# A driver of a few lines that reads the FIFO on the watermark interrupt.
READER = """
import machine, time, micropython, array
i2c = machine.I2C(0)
one = bytearray(1)
block = array.array('h', [0] * 96)
parts = [memoryview(block)[:3 * n] for n in range(33)]
pin = machine.Pin(2, machine.Pin.IN)
fired = 0
def on_watermark(pin):
    global fired
    fired += 1
def put(register, value):
    one[0] = value
    i2c.writeto_mem(0x18, register, one)
def start(odr, low_power, watermark):
    global fired
    fired = 0
    for register, value in ((0x20, 0), (0x2E, 0), (0x24, 0x40), (0x2E, 0x80 | watermark - 1), (0x22, 4)):
        put(register, value)
    pin.irq(on_watermark, machine.Pin.IRQ_RISING)
    put(0x20, odr << 4 | low_power << 3 | 7)
def read():
    i2c.readfrom_mem_into(0x18, 0x2F, one)
    n = one[0] & 31
    i2c.readfrom_mem_into(0x18, 0xA8, parts[n])
    return n
"""


def test_bus(repl: Any, board: VirtualBoard) -> None:
    repl.run("import machine\ni2c = machine.I2C(0, freq=100000)\nsoft = machine.SoftI2C(scl=5, sda=4)")
    assert repl.run("print(i2c.scan(), machine.I2C(1).scan())") == "[24] []\r\n"
    assert repl.run("print(soft.readfrom_mem(0x18, 0x0F, 1))") == "b'3'\r\n"
    assert repl.run("print(i2c.writeto(0x18, b'\\x0f'), i2c.readfrom(0x18, 1))") == "1 b'3'\r\n"
    board.attach_sensor(False)
    for code in ("i2c.readfrom_mem(0x18, 0x0F, 1)", "i2c.writeto(0x18, b'')", "i2c.readfrom(0x19, 1)"):
        with pytest.raises(TransportExecError, match=r"OSError: \[Errno 5\] EIO") as caught:
            repl.run(code)
        assert str(caught.value).count("File") == 1  # no frame of the runtime
    board.attach_sensor(True)
    assert repl.run("print(i2c.readfrom_mem(0x18, 0x0F, 1))") == "b'3'\r\n"


def test_time_on_the_bus(repl: Any) -> None:
    """100 bytes at 100 kHz, 9 bits each, with two addresses and a register: 9.3 ms."""
    took_us = repl.run(
        "import machine, time\ni2c = machine.I2C(0, freq=100000)\nt = time.ticks_us()\n"
        "i2c.readfrom_mem(0x18, 0xA8, 100)\nprint(time.ticks_diff(time.ticks_us(), t))"
    )
    assert 9270 <= int(took_us) <= 9400


def test_pins(repl: Any, board: VirtualBoard) -> None:
    repl.run("import machine\nled = machine.Pin(25, machine.Pin.OUT, value=1)")
    assert board.pin(25) == 1
    assert repl.run("led.toggle(); print(led.value(), machine.Pin(25) is led)") == "0 True\r\n"
    assert board.pin(25) == 0
    with pytest.raises(TransportExecError, match="ValueError"):
        repl.run("machine.Pin(99)")


def test_every_sample_comes_once_and_in_order(repl: Any, board: VirtualBoard) -> None:
    board.play(Scene.raw(lambda number: number))
    repl.run(READER)
    assert repl.run(
        "start(5, 0, 25)\nexpected = 0; wrong = 0\n"
        "while expected < 1000:\n"
        "    while not fired: machine.idle()\n"
        "    fired = 0\n"
        "    for i in range(read()):\n"
        "        wrong += tuple(block[3 * i:3 * i + 3]) != (expected,) * 3\n"
        "        expected += 1\n"
        "print(wrong)"
    ) == "0\r\n"  # fmt: skip


def test_overrun_is_seen(repl: Any, board: VirtualBoard) -> None:
    board.play(Scene.raw(lambda number: number))
    repl.run(READER)
    assert repl.run(
        "start(5, 0, 25)\ntime.sleep(1)\ni2c.readfrom_mem_into(0x18, 0x2F, one)\nread()\n"
        "print(hex(one[0]), fired, block[0])"
    ) == "0xdf 1 68\r\n"  # fmt: skip


def test_the_whole_way_works_with_a_locked_heap(repl: Any, board: VirtualBoard) -> None:
    """Interrupt, bus, clock, pin, poll and a write to the line; nothing may be allocated."""
    repl.run(READER)
    assert repl.run(
        "import select, sys\n"
        "poll = select.poll(); poll.register(sys.stdin, select.POLLIN)\n"
        "out = sys.stdout.buffer; dot = b'.'\n"
        "def work():\n"
        "    global fired\n"
        "    start(8, 1, 20)\n"
        "    micropython.heap_lock()\n"
        "    n = 0\n"
        "    while n < 1000:\n"
        "        while not fired:\n"
        "            for _ in poll.ipoll(3): pass\n"
        "        fired = 0\n"
        "        n += read()\n"
        "        time.ticks_diff(time.ticks_ms(), time.ticks_us()); pin.value(); time.sleep_us(10)\n"
        "    out.write(dot)\n"
        "    micropython.heap_unlock()\n"
        "    return n\n"
        "print(work() >= 1000)"
    ) == ".True\r\n"  # fmt: skip


def test_a_missing_chip_is_an_os_error_with_a_locked_heap_too(repl: Any, board: VirtualBoard) -> None:
    board.attach_sensor(False)
    repl.run(READER)
    assert repl.run(
        "def work():\n"
        "    micropython.heap_lock()\n"
        "    try: put(0x20, 0)\n"
        "    except OSError as error: code = error.errno\n"
        "    micropython.heap_unlock()\n"
        "    return code\n"
        "print(work())"
    ) == "5\r\n"  # fmt: skip


def test_a_program_stopped_with_a_locked_heap_leaves_a_prompt(repl: Any) -> None:
    repl.start("import micropython\nprint('in it')\nmicropython.heap_lock()\nwhile True: pass")
    repl.read_until(b"in it\r\n")
    repl.transport.serial.write(b"\x03")
    assert "KeyboardInterrupt" in repl.finish()[1]
    assert repl.run("print(len([1] * 100))") == "100\r\n"


def test_a_handler_that_fails_does_not_take_the_program_with_it(repl: Any) -> None:
    repl.run(READER)
    out = repl.run(
        "pin.irq(lambda pin: 1 // 0, machine.Pin.IRQ_RISING)\nput(0x22, 0x10)\nput(0x20, 0x57)\n"
        "time.sleep_ms(30)"
    )
    assert out.count("ZeroDivisionError") == 1  # data-ready stays up until it is read


def test_timers(repl: Any) -> None:
    assert repl.run(
        "import machine, time\nticks = []\n"
        "t = machine.Timer(period=100, callback=lambda t: ticks.append(time.ticks_ms()))\n"
        "note = lambda t: ticks.append('once')\n"
        "once = machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=250, callback=note)\n"
        "time.sleep_ms(450)\nt.deinit()\ntime.sleep_ms(300)\n"
        "marks = [b - a for a, b in zip(ticks, ticks[1:]) if 'once' not in (a, b)]\n"
        "print(len(ticks), ticks.index('once'), marks)"
    ) == "5 2 [100, 100]\r\n"  # fmt: skip


def test_interrupts_in_a_busy_loop_of_real_time(repl: Any, board: VirtualBoard) -> None:
    board.set_clock("real")
    repl.run(READER)
    assert repl.run(
        "ticks = 0\n"
        "def tick(t):\n"
        "    global ticks\n"
        "    ticks += 1\n"
        "t = machine.Timer(period=5, callback=tick)\nstart(7, 0, 8)\n"
        "while ticks < 3 or not fired: pass\n"
        "t.deinit(); print(ticks >= 3, fired >= 1)"
    ) == "True True\r\n"  # fmt: skip


@pytest.mark.check
def test_interrupts_in_a_busy_loop_of_free_time(repl: Any) -> None:
    """The loop asks for nothing, so nothing moves time but the supervisor's own suspicion."""
    repl.run(READER)
    assert repl.run("start(5, 0, 25)\nwhile fired < 1: pass\nprint(fired)") == "1\r\n"


def test_masked_interrupts_are_kept(repl: Any) -> None:
    repl.run(READER)
    assert repl.run(
        "start(5, 0, 25)\nstate = machine.disable_irq()\ntime.sleep(1)\nbefore = fired\n"
        "machine.enable_irq(state)\nprint(before, fired)"
    ) == "0 1\r\n"  # fmt: skip


def test_asyncio_and_a_flag_set_by_an_interrupt(repl: Any) -> None:
    repl.run(READER)
    assert repl.run(
        "import asyncio\nflag = asyncio.ThreadSafeFlag()\n"
        "async def main():\n"
        "    start(5, 0, 25)\n"
        "    pin.irq(lambda pin: flag.set(), machine.Pin.IRQ_RISING)\n"
        "    t = time.ticks_ms()\n"
        "    await flag.wait()\n"
        "    print(245 <= time.ticks_diff(time.ticks_ms(), t) <= 251)\n"
        "asyncio.run(main())"
    ) == "True\r\n"  # fmt: skip


def test_what_a_board_says_of_itself(repl: Any) -> None:
    assert repl.run(
        "import machine, os, sys, gc\n"
        "print(len(machine.unique_id()), machine.freq() > 0, machine.reset_cause() == machine.PWRON_RESET)\n"
        "print(os.uname().machine, sys.implementation.name, sys.platform in ('linux', 'darwin'))\n"
        "print(gc.mem_free() > 0, sys.implementation._mpy >> 10 > 0)"
    ) == (
        "8 True True\r\nmidge virtual board with x64 micropython True\r\nTrue True\r\n"
    )  # fmt: skip


def test_the_date_can_be_set_and_read(repl: Any) -> None:
    repl.run("import machine; machine.RTC().datetime((2026, 2, 28, 5, 23, 59, 30, 0))")
    assert repl.run("print(machine.RTC().datetime()[:6])") == "(2026, 2, 28, 5, 23, 59)\r\n"


def test_the_heap_has_an_end(repl: Any) -> None:
    assert int(repl.run("import gc; gc.collect(); print(gc.mem_free() // 1024)")) > 400
    with pytest.raises(TransportExecError, match="MemoryError"):
        repl.run("big = bytearray(512 * 1024)")
    assert repl.run("print(len(bytearray(200000)))") == "200000\r\n"
