"""The PDM driver on a model of what it touches: DMA channels by their registers, PIO by its cycles."""

from __future__ import annotations

import ctypes
import sys
import types
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from midge.compile import toolchain

RATE_HZ = 16000
RAM = 0x2000_0000
FIFO = 0x5020_0020
CONTROL, TREQ_FIFO = 4, 4  # AL1_CTRL's word; DREQ_PIO0_RX0
READ, WRITE, COUNT = 0, 1, 2


class Chip:
    """Memory, DMA channels and a state machine's FIFO, by RP2040 datasheet §2.5.7."""

    def __init__(self) -> None:
        self.regions: dict[int, int] = {}
        self.channels: list[Any] = []
        self.fifo: list[int] = []
        self.scheduled: list[tuple[Callable[[Any], None], Any]] = []
        self.is_held_up = False
        self.machine: dict[str, Any] = {}

    def addressof(self, thing: Any) -> int:
        real = int(np.frombuffer(thing, np.uint8).ctypes.data)
        region = self.regions.setdefault(real >> 20, len(self.regions))
        # Twice as far apart as they are long: a buffer may reach into the next.
        return RAM + (region << 21) + (real & 0xFFFFF)

    def _real(self, address: int) -> int:
        real = {number: region for region, number in self.regions.items()}
        assert address >= RAM, "neither memory nor a register of this model"
        return (real[(address - RAM) >> 21] << 20) + (address & 0x1FFFFF)

    def load(self, address: int) -> int:
        if address == FIFO:
            return self.fifo.pop(0)
        return ctypes.c_uint32.from_address(self._real(address)).value

    def store(self, address: int, value: int) -> None:
        for channel in self.channels:
            if address == channel.base + 0x2C:  # AL2_WRITE_ADDR_TRIG
                channel.address[WRITE] = value
                channel.trigger()
                return
        ctypes.c_uint32.from_address(self._real(address)).value = value

    def interrupt(self, handler: Callable[[Any], None], argument: Any) -> None:
        """A soft interrupt: at once, or when the program lets it."""
        self.scheduled.append((handler, argument))
        self.run_scheduled()

    def run_scheduled(self) -> None:
        while self.scheduled and not self.is_held_up:
            handler, argument = self.scheduled.pop(0)
            handler(argument)

    def receive(self, words: Any) -> None:
        """What the state machine pushes."""
        for word in words.tolist():
            self.fifo.append(word)
            for channel in self.channels:
                if channel.is_busy and channel.ctrl["treq_sel"] == TREQ_FIFO:
                    channel.step()
            assert not self.fifo, "nobody took a word"


class Dma:
    """One channel."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.channel = len(chip.channels)
        self.base = 0x5000_0000 + 0x40 * self.channel
        chip.channels.append(self)
        self.registers = [self.base + 4 * word for word in range(16)]
        self.address = [0, 0]
        self.count = self.left = 0
        self.is_busy = False
        self.handler: Any = None

    @property
    def read(self) -> int:
        return self.address[READ]

    def pack_ctrl(self, **given: Any) -> dict[str, Any]:
        usual = {"inc_read": True, "inc_write": True, "treq_sel": 0x3F, "chain_to": self.channel}
        return usual | {"irq_quiet": True, "ring_size": 0, "ring_sel": False} | given

    def config(self, *, read: Any, write: Any, count: int, ctrl: Any, trigger: bool = False) -> None:
        self.ctrl, self.count = ctrl, count
        for side, what in ((READ, read), (WRITE, write)):
            if isinstance(what, list):
                self.address[side] = what[0]
            else:
                self.address[side] = what if isinstance(what, int) else self.chip.addressof(what)
        if trigger:
            self.trigger()

    def irq(self, handler: Any) -> None:
        self.handler = handler

    def trigger(self) -> None:
        self.is_busy, self.left = True, self.count
        while self.is_busy and self.ctrl["treq_sel"] == 0x3F:
            self.step()

    def step(self) -> None:
        value = self.chip.load(self.address[READ])
        to = self.address[WRITE]
        for side, name in ((READ, "inc_read"), (WRITE, "inc_write")):
            if self.ctrl[name]:
                wraps = self.ctrl["ring_size"] if self.ctrl["ring_sel"] == bool(side) else 0
                mask = (1 << wraps) - 1 if wraps else 0xFFFFFFFF
                self.address[side] = self.address[side] & ~mask | (self.address[side] + 4) & mask
        self.left -= 1
        self.is_busy = self.left > 0
        self.chip.store(to, value)
        if not self.is_busy:
            if self.ctrl["chain_to"] != self.channel:
                self.chip.channels[self.ctrl["chain_to"]].trigger()
            if not self.ctrl["irq_quiet"] and self.handler:
                self.chip.interrupt(self.handler, self)

    def close(self) -> None:
        self.is_busy, self.ctrl = False, {"treq_sel": -1}


class Instruction:
    """One of a PIO program: what it does, the pin beside it, cycles that it waits."""

    def __init__(self, program: list[Instruction], name: str) -> None:
        self.name, self.pin, self.cycles = name, 0, 1
        program.append(self)

    def side(self, value: int) -> Instruction:
        self.pin = value
        return self

    def __getitem__(self, delay: int) -> Instruction:
        self.cycles += delay
        return self


@pytest.fixture(scope="module")
def decimate() -> Callable[..., None]:
    """The decimator in C, on this machine."""
    library = ctypes.CDLL(str(toolchain.host_library({"all.c": '#include "pdm.h"\n'})))

    def call(bits: Any, words: Any, n: int, state: Any, taps: Any) -> None:
        at = [
            ctypes.c_void_p(np.frombuffer(part, np.uint8).ctypes.data) for part in (state, bits, taps, words)
        ]
        library.pdm_decimate(at[0], at[1], n, at[2], len(taps), at[3])

    return call


@pytest.fixture
def chip(decimate: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Chip]:
    made = Chip()

    def asm_pio(**settings: Any) -> Callable[[Any], Any]:
        def assemble(function: Any) -> Any:
            program: list[Instruction] = []
            scope = function.__globals__
            scope |= {
                "pins": "pins",
                "nop": lambda: Instruction(program, "nop"),
                "in_": lambda source, n: Instruction(program, f"in {source} {n}"),
            }
            function()
            return program, settings

        return assemble

    def state_machine(number: int, program: Any, **settings: Any) -> Any:
        made.machine = {"number": number, "program": program[0], **program[1], **settings}
        return types.SimpleNamespace(active=lambda on: made.machine.update(active=on))

    rp2 = types.ModuleType("rp2")
    pio = types.SimpleNamespace(OUT_LOW=2, SHIFT_RIGHT=1, JOIN_RX=2)
    for name, value in {
        "PIO": pio,
        "asm_pio": asm_pio,
        "StateMachine": state_machine,
        "DMA": lambda: Dma(made),
    }.items():
        setattr(rp2, name, value)
    uctypes = types.ModuleType("uctypes")
    monkeypatch.setattr(uctypes, "addressof", made.addressof, raising=False)
    micropython = types.ModuleType("micropython")
    monkeypatch.setattr(micropython, "const", lambda value: value, raising=False)
    monkeypatch.setattr(micropython, "schedule", made.interrupt, raising=False)
    for name, module in (("rp2", rp2), ("uctypes", uctypes), ("micropython", micropython)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("midge_device.pdm.decimate_pdm", decimate)
    monkeypatch.delitem(sys.modules, "midge_device.drivers.pdm_rp2", raising=False)
    yield made
    sys.modules.pop("midge_device.drivers.pdm_rp2", None)


def microphone(**more: Any) -> Any:
    from midge_device.drivers.pdm_rp2 import PDMMicrophone

    return PDMMicrophone("clock", "data", RATE_HZ, **more)


def numbered(first: int, n: int, words_a_block: int) -> Any:
    """PDM words of blocks first … first + n - 1: the density of a block's ones tells its number."""
    ones = np.repeat(np.arange(first, first + n) % 61 + 2, words_a_block).astype(np.uint64)
    spread = np.tile(np.array([0, 1], np.uint64), len(ones) // 2)
    # 64 bits, as many of them 1 as the number says, over two words.
    word = (np.uint64(1) << ones) - np.uint64(1)
    return np.where(spread == 0, word & np.uint64(0xFFFFFFFF), word >> np.uint64(32)).astype(np.uint32)


def number_of(words: Any) -> int:
    """What `numbered` was told modulo 61, from the last samples of a block."""
    density = (float(np.mean(words[-32:])) / (1 << 30) + 1) / 2
    return round(density * 64) - 2


def test_the_program_reads_the_bit_at_the_end_of_its_half(chip: Chip) -> None:
    for is_high in (False, True):
        mic = microphone(is_high=is_high)
        mic.start(lambda _: None)
        pins = []
        for instruction in chip.machine["program"]:
            pins += [(instruction.name if k == 0 else "", instruction.pin) for k in range(instruction.cycles)]
        assert len(pins) == 4
        assert [pin for _, pin in pins].count(1) == 2
        at = next(number for number, (name, _) in enumerate(pins) if name == "in pins 1")
        # Pins are read two system clocks late: as they were at the end of the microphone's half.
        assert pins[at - 1][1] == pins[at - 2][1] == int(is_high)
        assert pins[at][1] == 1 - int(is_high)
        assert chip.machine["freq"] == 4 * 128 * RATE_HZ
        assert (chip.machine["autopush"], chip.machine["push_thresh"], chip.machine["in_shiftdir"]) == (
            True,
            32,
            1,
        )
        mic.stop()


def test_blocks_come_in_order_for_as_long_as_they_are_taken(chip: Chip) -> None:
    mic = microphone()
    words = array("i", bytes(4 * mic.watermark))
    heard: list[int] = []

    def full(_: Any) -> None:
        heard.append(number_of(words))
        mic.read_into(words)

    mic.start(full)
    assert chip.machine["active"] == 1
    mic.read_into(words)
    a_block = mic.watermark * mic.bits // 32
    for block in range(40):
        chip.receive(numbered(block, 1, a_block))
    # The first ones are those of a microphone that wakes up.
    assert heard == list(range(4, 40))
    mic.stop()
    assert chip.machine["active"] == 0
    assert not any(channel.is_busy for channel in chip.channels)


@pytest.mark.parametrize("held_up", [1, 3, 6, 8, 9, 30])
def test_after_a_hold_up_the_ring_goes_on_with_its_latest_blocks(chip: Chip, held_up: int) -> None:
    mic = microphone()
    words = array("i", bytes(4 * mic.watermark))
    heard: list[int] = []

    def full(_: Any) -> None:
        heard.append(number_of(words))
        mic.read_into(words)

    mic.start(full)
    mic.read_into(words)
    a_block = mic.watermark * mic.bits // 32
    chip.receive(numbered(0, 10, a_block))
    chip.is_held_up = True
    chip.receive(numbered(10, held_up, a_block))
    chip.is_held_up = False
    chip.run_scheduled()
    chip.receive(numbered(10 + held_up, 6, a_block))
    assert heard[-1] == 10 + held_up + 5
    jumps = np.diff(heard)
    # What is lost is whole rounds of the ring, and at one place.
    assert jumps.max() <= held_up + 1
    assert (jumps - 1).sum() == (held_up // 8 * 8 if held_up >= 8 else 0)
    if held_up <= mic.capacity // mic.watermark:
        assert heard == list(range(4, 16 + held_up))


def test_the_clock_fits_the_chip_and_what_does_not_is_refused(chip: Chip) -> None:
    from midge_device.drivers.pdm_rp2 import PDMMicrophone

    for rate_hz in (5000, 8000, 11025, 16000, 22050, 32000, 44100, 48000):
        mic = PDMMicrophone("clock", "data", rate_hz)
        assert 1_200_000 <= mic.bits * mic.rate_hz <= 3_250_000
        assert mic.watermark % 32 == 0
        assert mic.watermark * mic.bits % 32 == 0
        assert len(mic._ring) <= 32 * 1024
    with pytest.raises(ValueError, match="a rate of 4000 Hz"):
        PDMMicrophone("clock", "data", 4000)
    with pytest.raises(ValueError, match="one of"):
        microphone(name="sph0645")


def test_the_boards_file_opens_it(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = types.ModuleType("machine")

    class Pin:
        IN = 0

        def __init__(self, number: int, mode: int = -1) -> None:
            self.number = number

    machine.Pin = Pin  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "machine", machine)
    from midge_device.boards import arduino_nano_rp2040_connect as board
    from midge_device.boards import open_mic

    mic: Any = open_mic(vars(board), None, RATE_HZ)
    assert (mic.NAME, mic._is_high, [pin.number for pin in mic._pins]) == ("mp34dt06j", True, [23, 22])
    wired = {"clock": 2, "data": 3, "name": "mp34dt05a"}
    mic = open_mic({}, wired, RATE_HZ)
    assert (mic.NAME, mic._is_high) == ("mp34dt05a", False)
