"""How sound goes over the line: as 16-bit samples, or as IMA ADPCM where the measured line is too slow."""

from __future__ import annotations

from dataclasses import dataclass

from midge_device.adpcm import block_bytes
from midge_device.wire import message as wire

from .messages import Filler
from .session import Session

AUTO, INT16, ADPCM = "auto", "16-bit", "adpcm"
WANTED = (AUTO, INT16, ADPCM)
# A line that is faster than needed by so much keeps up with the board's other work, and with a bad moment.
HEADROOM = 1.5
# A block as microphones give them: about 15 ms (drivers/i2s_microphone.py).
_BLOCK_S = 0.014
_FRAME_BYTES = 9 + 13  # type, sequence, CRC-32, COBS, delimiters; the fields of DATA


@dataclass(frozen=True)
class Choice:
    """How sound is sent, and why.

    Attributes
    ----------
    coding : str
        INT16 or ADPCM
    line_bytes_s : int or None
        measured speed of the line, None if nobody measured
    why : str
        a sentence for people, '' if there was nothing to choose
    """

    coding: str
    line_bytes_s: int | None
    why: str


def needed_bytes_s(coding: str, rate_hz: float) -> float:
    """What a stream of sound takes of the line, frames included."""
    n = max(1, round(_BLOCK_S * rate_hz))
    body_bytes = 2 * n if coding == INT16 else block_bytes(n)
    return (body_bytes + _FRAME_BYTES) * rate_hz / n


def line_speed(session: Session) -> int:
    """Bytes a second that the line takes from the board, by its own clock: filler for a second or less.

    Raises DeviceError if the board's library is older than this question, or if it records.
    """
    n_bytes_s = session.request(wire.LINE_TEST)
    while isinstance(session.receive(0), Filler):
        pass
    return n_bytes_s


def choose(session: Session, rate_hz: float, wanted: str = AUTO) -> Choice:
    """16-bit samples if the line carries them with room to spare, else ADPCM; `wanted` overrules."""
    if wanted != AUTO:
        return Choice(wanted, None, f"sound goes as {wanted}, as asked for")
    if not session.welcome.is_native:
        return Choice(INT16, None, "sound goes as 16-bit: this board loads no native code to make it smaller")
    speed = line_speed(session)
    plain, small = (needed_bytes_s(coding, rate_hz) for coding in (INT16, ADPCM))
    told = f"the line carries {speed / 1000:.0f} kB/s, 16-bit at {rate_hz:g} Hz takes {plain / 1000:.0f}"
    if speed >= HEADROOM * plain:
        return Choice(INT16, speed, f"sound goes as 16-bit: {told}")
    told += f", ADPCM {small / 1000:.0f}"
    if speed < small:
        told += "; what does not fit will be marked as lost: use a faster line or a lower rate_hz"
    return Choice(ADPCM, speed, f"sound goes as IMA ADPCM, 4 bits a sample: {told}")
