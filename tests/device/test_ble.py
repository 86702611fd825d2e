"""The board's line in the air, on a `bluetooth` that is told when to be full and when to break."""

from __future__ import annotations

import json
from typing import Any

from midge.virtual import VirtualBoard

from .conftest import run

FAKE = """
import sys, json, micropython
class BLE:
    full = 0
    broken = False
    def __init__(self):
        BLE.it = self
        self.sent = []
        self.calls = []
        self.received = b''
    def active(self, on): pass
    def config(self, **settings): self.settings = settings
    def irq(self, handler): self.handler = handler
    def gatts_register_services(self, services): return ((7, 9),)
    def gatts_set_buffer(self, handle, n, append): self.calls.append((handle, n, append))
    def gap_advertise(self, interval_us, data, resp_data=None):
        self.advertised = (interval_us, data, resp_data)
        self.calls.append('advertise')
    def gatts_read(self, handle):
        data, self.received = self.received, b''
        return data
    def gatts_notify(self, connection, handle, data):
        if BLE.broken:
            raise OSError(107)
        if BLE.full:
            BLE.full -= 1
            raise OSError(12)
        self.sent.append((connection, handle, len(data)))
class UUID:
    def __init__(self, text): self.text = text
    def __iter__(self): return iter(bytes(range(16)))
class bluetooth: pass
bluetooth.BLE, bluetooth.UUID = BLE, UUID
bluetooth.FLAG_NOTIFY, bluetooth.FLAG_WRITE, bluetooth.FLAG_WRITE_NO_RESPONSE = 16, 8, 4
sys.modules['bluetooth'] = bluetooth
class Clock:
    now_ms = 0
    slept = []
    def ticks_ms(self): return Clock.now_ms
    def ticks_diff(self, a, b): return a - b
    def sleep_ms(self, ms):
        Clock.now_ms += ms
        Clock.slept.append(ms)
from midge_device.transport import ble
line = ble.Ble('wrist', 'gesture', Clock())
it = BLE.it
def say(*what): print(json.dumps(what))
"""


def said(board: VirtualBoard, code: str) -> list[Any]:
    return [json.loads(text) for text in run(board, FAKE + code).splitlines()]


def test_it_advertises_its_name_its_app_and_the_interval_it_wants(board: VirtualBoard) -> None:
    ((interval_us, first, second),) = said(
        board,
        "interval_us, first, second = it.advertised\nsay(interval_us, first.hex(), second.hex())",
    )
    assert interval_us == 100_000
    assert bytes.fromhex(first) == b"\x02\x01\x06" + b"\x05\x12\x06\x00\x0c\x00" + b"\x06\x09wrist"
    assert bytes.fromhex(second) == b"\x11\x07" + bytes(range(16)) + b"\x0a\xff\xff\xffgesture"


def test_long_names_are_cut_to_fit(board: VirtualBoard) -> None:
    lengths = said(
        board,
        "say(len(ble.advertisement('n' * 40)), len(ble.scan_response(bytes(16), 'a' * 40)))\n"
        "say(ble.name_of(b'abcdefgh'), ble.name_of(b'abcdefgi'))",
    )
    assert lengths[0] == [31, 31]
    assert lengths[1][0] != lengths[1][1]
    assert all(name.startswith("midge-") and len(name) == 10 for name in lengths[1])


def test_frames_go_in_pieces_that_the_mtu_allows(board: VirtualBoard) -> None:
    code = """
frame = bytearray(600)
say(line.write(frame, 600, 20))
line._irq(1, (3, 0, b''))
say(line.write(frame, 50, 20), [n for _, _, n in it.sent])
it.sent.clear()
line._irq(21, (3, 247))
say(line.write(frame, 600, 20), it.sent)
"""
    assert said(board, code) == [
        [False],
        [True, [20, 20, 10]],
        [True, [[3, 7, 244], [3, 7, 244], [3, 7, 112]]],
    ]


def test_full_buffers_are_waited_for_and_not_for_ever(board: VirtualBoard) -> None:
    code = """
line._irq(1, (0, 0, b''))
frame = bytearray(20)
BLE.full = 5
say(line.write(frame, 20, 20), Clock.slept, line.dropped)
BLE.full = 10**6
before = Clock.now_ms
say(line.write(frame, 20, 300), Clock.now_ms - before >= 300, line.dropped)
"""
    assert said(board, code) == [[True, [1, 2, 4, 8, 8], 0], [False, True, 1]]


def test_a_link_that_breaks_is_advertised_again(board: VirtualBoard) -> None:
    code = """
line._irq(1, (0, 0, b''))
BLE.broken = True
say(line.write(bytearray(20), 20, 20), line.dropped)
line._irq(2, (0, 0, b''))
say(line.is_ready, it.calls.count('advertise'))
line.read()
say(it.calls.count('advertise'))
"""
    assert said(board, code) == [[False, 1], [False, 1], [2]]


def test_interrupts_allocate_nothing(board: VirtualBoard) -> None:
    code = """
data = [0, 247]
it.received = b'abc'
micropython.heap_lock()
for event in (1, 21, 3, 2):
    line._irq(event, data)
micropython.heap_unlock()
say(line.wait(0), line.read().decode(), line.read().decode())
"""
    assert said(board, code) == [[True, "abc", ""]]


def test_waiting_ends_when_something_comes(board: VirtualBoard) -> None:
    code = """
say(line.wait(23), Clock.slept)
line._irq(3, (0, 9))
say(line.wait(1000), len(Clock.slept))
"""
    assert said(board, code) == [[False, [5, 5, 5, 5, 3]], [True, 5]]


def test_a_firmware_without_bluetooth_says_so(board: VirtualBoard) -> None:
    code = """
from midge_device.transport.ble import open_beside
print(open_beside({'ble': True, 'app': 'x'}, print))
"""
    told, nothing = run(board, code).splitlines()
    assert told.strip() == "midge: this firmware has no bluetooth; the board is on its serial port only"
    assert nothing == "None"
