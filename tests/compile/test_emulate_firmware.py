"""What the emulated firmware answers a module, call by call; and what it never takes from one."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from midge import targets
from midge.compile.emulate_cpu import Cpu
from midge.compile.emulate_firmware import BoardBuffers, Firmware, NativeFunction
from midge.errors import ModelError

MEMORY, BUFFERS = 0x10_0000, 0x20_0000
FROM_OBJECT, TO_OBJECT, LOAD, STORE, FUNCTION, CHECK, RAISE, STRING, BUFFER = 3, 4, 7, 13, 26, 44, 55, 57, 65
BOOL, INT, UINT = 1, 2, 3


class Caller:
    """A core with some memory, and calls as a module makes them."""

    def __init__(self, target: str = "armv6m", room: int = 0x1000) -> None:
        self.cpu = Cpu(targets.get(target))
        self.cpu.uc.mem_map(MEMORY, 0x1000)
        self.cpu.uc.mem_map(BUFFERS, 0x1000)
        self.buffers = BoardBuffers(self.cpu, BUFFERS, room)
        self.firmware = Firmware(self.cpu, ("first", "len", "nonsense"), self.buffers)

    def __call__(self, entry: int, *arguments: int) -> int:
        for register, value in zip(self.cpu.core.arguments, arguments, strict=False):
            self.cpu.uc.reg_write(register, value)
        self.firmware.raised = None
        self.firmware.run(entry)
        return self.result()

    def result(self) -> int:
        return int(self.cpu.uc.reg_read(self.cpu.core.result))

    def fails(self, entry: int, *arguments: int) -> BaseException:
        """What a call raises; the result, on ARM and RISC-V where the first argument was, is left alone."""
        before = self.result()
        assert self(entry, *arguments) in (before, *arguments[:1])
        assert self.firmware.raised is not None
        return self.firmware.raised

    def write(self, data: bytes) -> int:
        self.cpu.uc.mem_write(MEMORY, data)
        return MEMORY


@pytest.fixture(params=["armv6m", "x64", "rv32imc"])
def call(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


def test_objects_are_what_they_stand_for(call: Caller) -> None:
    handles = [call.firmware.handle(value) for value in ("text", 5, None)]
    assert len(set(handles)) == 3
    assert [call.firmware.value(handle) for handle in handles] == ["text", 5, None]
    assert [call.firmware.value(handle) for handle in call.firmware.constants] == [None, False, True]
    call.firmware.forget()
    assert [call.firmware.value(handle) for handle in call.firmware.constants] == [None, False, True]
    for made_up in (
        handles[0],
        handles[-1] + 16,
        call.firmware.constants[0] - 16,
        call.firmware.constants[0] + 1,
        0,
    ):
        with pytest.raises(ModelError, match=f"{made_up:#x}"):
            call.firmware.value(made_up)


def test_numbers_go_both_ways(call: Caller) -> None:
    bits = 8 * call.cpu.word_bytes
    top = 1 << bits
    for number in (0, 1, 5, top // 2 - 1):
        assert call(FROM_OBJECT, call.firmware.handle(number), INT) == number
        assert call.firmware.value(call(TO_OBJECT, number, INT)) == number
    assert call(FROM_OBJECT, call.firmware.handle(-3), INT) == top - 3
    for number in (-1, -top // 2):
        assert call.firmware.value(call(TO_OBJECT, number % top, INT)) == number
    assert call.firmware.value(call(TO_OBJECT, top - 1, UINT)) == top - 1
    for truth in (True, False):
        assert call.firmware.value(call(TO_OBJECT, int(truth), BOOL)) is truth
    assert call.firmware.value(call(TO_OBJECT, 2, BOOL)) is True
    for kind in (0, 4, 9):
        assert "of type" in str(call.fails(TO_OBJECT, 1, kind))


def test_names_are_looked_up_and_kept(call: Caller) -> None:
    assert call.firmware.value(call(LOAD, 1)) is len
    assert "nonsense" in str(call.fails(LOAD, 2))
    call(STORE, 0, call.firmware.handle("kept"))
    assert call.firmware.globals == {"first": "kept"} and call.firmware.value(call(LOAD, 0)) == "kept"
    for beyond in (3, 4, 1000):
        assert f"string {beyond} of 3" in str(call.fails(LOAD, beyond))
    assert isinstance(call.fails(STORE, 0, 12), ModelError)


def test_a_function_is_made_of_native_code_only(call: Caller) -> None:
    word = call.cpu.word_bytes
    made = call.firmware.value(
        call(FUNCTION, call.write(bytes((0, 0, 4)).ljust(word, b"\0") + (0x1234).to_bytes(word, "little")))
    )
    assert made == NativeFunction(0x1234)
    for record in (b"\1\0\4\0", b"\0\1\4\0", b"\0\0\3\0"):
        assert "native code" in str(call.fails(FUNCTION, call.write(record)))


def signature(minimum: int, maximum: int, keywords: bool = False) -> int:
    return minimum << 17 | maximum << 1 | keywords


@pytest.mark.parametrize(
    ("given", "keywords", "minimum", "maximum", "says"),
    [
        (2, 0, 2, 2, ""),
        (1, 0, 1, 3, ""),
        (3, 0, 1, 3, ""),
        (1, 0, 2, 2, "takes 2 positional arguments but 1 were given"),
        (3, 0, 2, 2, "takes 2 positional arguments but 3 were given"),
        (0, 0, 1, 3, "missing 1 required positional arguments"),
        (4, 0, 1, 3, "at most 3 arguments, got 4"),
        (2, 1, 2, 2, "doesn't take keyword arguments"),
    ],
)
def test_arguments_are_counted_as_micropython_does(
    given: int, keywords: int, minimum: int, maximum: int, says: str
) -> None:
    call = Caller()
    call(CHECK, given, keywords, signature(minimum, maximum))
    raised = call.firmware.raised
    assert (raised is None) if not says else (isinstance(raised, TypeError) and says in str(raised))
    call(CHECK, 2, 1, signature(2, 2, keywords=True))
    assert call.firmware.raised is None


def test_messages_and_strings(call: Caller) -> None:
    place = call.write("zu groß\0more".encode())
    raised = call.fails(RAISE, call.firmware.handle(ValueError), place)
    assert type(raised) is ValueError and str(raised) == "zu groß"
    assert call.firmware.value(call(STRING, place, 2)) == "zu"


def test_what_the_firmware_does_not_offer_is_named(call: Caller) -> None:
    for entry in (0, 6, 66):
        raised = call.fails(entry)
        assert isinstance(raised, ModelError) and f"entry {entry} " in str(raised)


def test_buffers_are_there_while_a_call_runs(call: Caller) -> None:
    word = call.cpu.word_bytes
    samples, text = array("h", [1, -2, 3]), b"const"
    call.buffers.open([samples, text, 5])
    place = MEMORY + 256
    for value, length, kind in ((samples, 6, "h"), (text, 5, "B")):
        assert call(BUFFER, call.firmware.handle(value), place, 1) == 1
        address, size = (call.cpu.read_word(place + word * number) for number in range(2))
        assert size == length and bytes(call.cpu.uc.mem_read(address, size)) == bytes(
            memoryview(value).cast("B")
        )
        assert call.cpu.uc.mem_read(place + 2 * word, 1) == kind.encode()
        assert (address, address + size) in call.buffers.ranges
    call.cpu.uc.mem_write(call.buffers.address(samples), b"\x09\x00")
    call.cpu.uc.mem_write(call.buffers.address(text), b"X")
    call.buffers.close()
    assert samples.tolist() == [9, -2, 3] and text == b"const"


@pytest.mark.parametrize("value", [5, "text", b"read only"])
def test_what_is_no_buffer_is_refused_as_asked(value: Any) -> None:
    call = Caller()
    is_buffer = isinstance(value, bytes)
    call.buffers.open([value])
    handle = call.firmware.handle(value)
    assert call(BUFFER, handle, MEMORY, 1) == is_buffer
    assert call(BUFFER, handle, MEMORY, 2) == 0
    assert isinstance(call.fails(BUFFER, handle, MEMORY, 6), TypeError)


def test_buffers_keep_their_alignment_and_their_distance() -> None:
    call = Caller()
    whole = bytearray(400)
    parts = [memoryview(whole)[3:100], memoryview(whole)[3:100], bytearray(33)]
    call.buffers.open(parts)
    first, again, other = (call.buffers.address(part) for part in parts)
    assert first == again
    (low, low_end), (high, _) = sorted(call.buffers.ranges)
    assert {low, high} == {first, other} and high - low_end >= 64 and low >= BUFFERS + 64 - 63
    import numpy as np

    for part, address in ((parts[0], first), (parts[2], other)):
        assert (np.frombuffer(part, np.uint8).ctypes.data - address) % 64 == 0


def test_buffers_inside_others_are_found_and_overlaps_refused() -> None:
    call = Caller()
    whole = bytearray(range(100))
    call.buffers.open([memoryview(whole)[10:20], whole])
    assert call.buffers.address(memoryview(whole)[10:20]) == call.buffers.address(whole) + 10
    assert len(call.buffers.ranges) == 1
    with pytest.raises(ModelError, match="partly overlap"):
        call.buffers.open([memoryview(whole)[0:60], memoryview(whole)[40:99]])
    call.buffers.open([memoryview(whole)[0:50], memoryview(whole)[50:]])
    assert len(call.buffers.ranges) == 2


def test_buffers_that_do_not_fit_are_refused() -> None:
    call = Caller(room=0x400)
    call.buffers.open([bytearray(0x400 - 3 * 64)])
    with pytest.raises(ModelError, match="1024 bytes of buffer do not fit"):
        call.buffers.open([bytearray(0x400)])
