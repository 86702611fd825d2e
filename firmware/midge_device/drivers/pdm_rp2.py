"""PDM microphones on RP2040 and RP2350: PIO makes the clock, DMA fills a ring, C makes samples of it.

The contract is that of `i2s_microphone.py`. Expected to work; not yet shown on a chip.

The state machine runs at four cycles a bit: two with the clock low, two with it high. `in` and the edge that
ends the microphone's half of the clock are one instruction, and the pins are read two system clocks late
(RP2040 datasheet §3.5.6.3), so that the bit is taken at the end of its half, when it has long settled.

Two DMA channels never stop (§2.5.6.2 "control blocks"): one fills a block; then the other writes the next
block's address into its trigger, and its own place in the list of addresses wraps. So however long nobody
reads, the ring goes on, and where it stands is known.
"""

from array import array

import micropython
from micropython import const

from midge_device.pdm import LEAST_BITS, MOST_BITS, decimate_pdm, state, taps

# name → clock in Hz (at least, at most), bits that speech leaves unused at the top (datasheets)
MICROPHONES = {
    "mp34dt06j": (1_200_000, 3_250_000, 3),
    "mp34dt05a": (1_200_000, 3_250_000, 3),
}

_CYCLES = 4  # of the state machine, a bit
_BLOCKS = const(8)
_LOG2_RING_BYTES = const(5)  # of the blocks' addresses
_WRITE_TRIGGER = const(11)  # CHx_AL2_WRITE_ADDR_TRIG, §2.5.7: word 0x2C / 4 of a channel
_AWAKE_MS = 50  # what a microphone gives before, nobody hears; MP34DT06J: 10 ms
_WORDS_BITS = 15  # of the decimator's words below those of int16


class PDMMicrophone:
    """One microphone.

    Parameters
    ----------
    clock, data : machine.Pin
    rate_hz : int
    name : str
        a name of MICROPHONES
    is_high : bool
        it gives its bits while the clock is high: its L/R pin is at VDD
    machine : int
        number of the state machine, 0 to 7
    """

    def __init__(
        self, clock, data, rate_hz: float, name: str = "mp34dt06j", is_high: bool = False, machine: int = 0
    ) -> None:
        if name not in MICROPHONES:
            raise ValueError("microphone must be one of {}, not {}".format(sorted(MICROPHONES), name))
        least_hz, most_hz, unused = MICROPHONES[name]
        self.NAME = name
        self.rate_hz = int(rate_hz + 0.5)
        bits = MOST_BITS
        while bits > LEAST_BITS and bits * self.rate_hz > most_hz:
            bits //= 2
        if not least_hz <= bits * self.rate_hz <= most_hz:
            raise ValueError(
                "{}: a rate of {:.6g} Hz; it has {} to {}".format(
                    name, rate_hz, -(-least_hz // MOST_BITS), most_hz // LEAST_BITS
                )
            )
        self.range_g = 1
        self.bits = bits
        self.shift = _WORDS_BITS - unused
        # About 15 ms, and few enough for one message; whole words of 32 bits.
        self.watermark = min(224, max(32, self.rate_hz // 2240 * 32))
        self.granule = self.watermark
        self.capacity = (_BLOCKS - 2) * self.watermark
        self._pins = (clock, data)
        self._is_high = is_high
        self._machine_id = machine
        self._block_bytes = self.watermark * bits // 8
        self._ring = bytearray(_BLOCKS * self._block_bytes)
        self._blocks = [
            memoryview(self._ring)[at : at + self._block_bytes]
            for at in range(0, len(self._ring), self._block_bytes)
        ]
        self._taps = taps()
        self._state = state(bits)
        self._handler: object = None
        self._wanted: object = None
        self._capture: _Capture | None = None
        self._take_later = self._take
        self._read = 0
        self._asleep = 0

    def start(self, handler) -> None:
        self._handler = handler
        self._wanted = None
        self._read = 0
        self._state[1] = 0
        self._asleep = -(-_AWAKE_MS * self.rate_hz // (1000 * self.watermark))
        self._capture = _Capture(
            self._machine_id,
            self._pins,
            _program(self._is_high),
            _CYCLES * self.bits * self.rate_hz,
            self._blocks,
            self._came,
        )

    def stop(self) -> None:
        self._wanted = None
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    def read_into(self, words) -> None:
        self._wanted = words
        if self._waiting():
            # Only scheduled functions take blocks, so that none is taken twice. Is there no room, the next
            # block's interrupt does it.
            try:
                micropython.schedule(self._take_later, None)
            except RuntimeError:
                pass

    def _waiting(self) -> int:
        """Blocks that are whole and were not taken, modulo those of the ring."""
        if self._capture is None:
            return 0
        return (self._capture.filling() - self._read) % _BLOCKS

    def _came(self, _dma) -> None:
        if self._asleep:
            self._asleep -= 1
            self._read = (self._read + 1) % _BLOCKS
            return
        self._take(None)

    def _take(self, _) -> None:
        words = self._wanted
        if words is None or not self._waiting():
            return
        self._wanted = None
        decimate_pdm(self._blocks[self._read], words, self.watermark, self._state, self._taps)
        self._read = (self._read + 1) % _BLOCKS
        self._handler(self)  # type: ignore[operator]


class _Capture:
    """The state machine and the two DMA channels, running: `came(dma)` after each block."""

    def __init__(self, machine: int, pins, program, cycles_hz: int, blocks, came) -> None:
        import rp2
        import uctypes

        clock, data = pins
        self._machine = rp2.StateMachine(machine, program, freq=cycles_hz, in_base=data, sideset_base=clock)
        # Addresses that wrap must lie on a multiple of the ring's size.
        self._list = array("I", bytes(4 * 2 * _BLOCKS))
        first = -uctypes.addressof(self._list) % (4 * _BLOCKS) // 4
        for number in range(_BLOCKS):
            self._list[first + number] = uctypes.addressof(blocks[number])
        self._addresses = uctypes.addressof(self._list) + 4 * first
        self._filling = filling = rp2.DMA()
        self._naming = naming = rp2.DMA()
        pio, index = divmod(machine, 4)
        filling.config(
            # RXF0 … 3 of a PIO block, §3.7; DREQ_PIOx_RX0 … 3, §2.5.3.1
            read=0x50200000 + 0x100000 * pio + 0x20 + 4 * index,
            write=blocks[0],
            count=len(blocks[0]) // 4,
            ctrl=filling.pack_ctrl(
                inc_read=False,
                treq_sel=8 * pio + 4 + index,
                chain_to=naming.channel,  # type: ignore[attr-defined]
                irq_quiet=False,
            ),
        )
        filling.irq(came)
        naming.config(
            read=self._addresses,
            write=filling.registers[_WRITE_TRIGGER : _WRITE_TRIGGER + 1],  # type: ignore[attr-defined]
            count=1,
            ctrl=naming.pack_ctrl(inc_write=False, ring_size=_LOG2_RING_BYTES, ring_sel=False),
            trigger=True,
        )
        self._machine.active(1)

    def filling(self) -> int:
        """Number of the block that is being filled."""
        # The list stands behind its address.
        return ((self._naming.read - self._addresses) // 4 - 1) % _BLOCKS  # type: ignore[attr-defined]

    def close(self) -> None:
        """Stops everything and frees it."""
        self._machine.active(0)
        # First the one that would wake the other.
        self._naming.close()
        self._filling.irq(None)
        self._filling.close()


def _program(is_high: bool):
    """Two instructions of two cycles; the one that reads ends the microphone's half of the clock."""
    import rp2

    # Bits go in at the top, so that the first is bit 0 of the first byte.
    settings = {
        "sideset_init": rp2.PIO.OUT_LOW,
        "in_shiftdir": rp2.PIO.SHIFT_RIGHT,
        "autopush": True,
        "push_thresh": 32,
        "fifo_join": rp2.PIO.JOIN_RX,
    }

    @rp2.asm_pio(**settings)  # type: ignore[arg-type]
    def while_low():
        in_(pins, 1).side(1)[1]  # type: ignore[name-defined]  # noqa: F821
        nop().side(0)[1]  # type: ignore[name-defined]  # noqa: F821

    @rp2.asm_pio(**settings)  # type: ignore[arg-type]
    def while_high():
        in_(pins, 1).side(0)[1]  # type: ignore[name-defined]  # noqa: F821
        nop().side(1)[1]  # type: ignore[name-defined]  # noqa: F821

    return while_high if is_high else while_low
