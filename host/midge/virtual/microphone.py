"""The board's I2S microphone: sound that plays, chunks by DMA into a ring, lost when the ring is full.

Numbers are the board's bus words: 24 bits, left-justified in 32. A word is a sample of the scene with 3 bits
of room above it, as a MEMS microphone has.
"""

from __future__ import annotations

import base64
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError

CHUNK_FRAMES = 32  # of one DMA transfer
ROOM_BITS = 3
_FULL_SCALE_SHIFT = 16 - ROOM_BITS
RX_BYTES_MOST = 1 << 16


@dataclass(frozen=True)
class Sound:
    """What is to be heard: int16 `samples` (n,) at `rate_hz`, for ever if `loop`, else silence after it."""

    samples: NDArray[np.int16]
    rate_hz: float = 16000.0
    loop: bool = False

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        if samples.ndim != 1 or samples.dtype != np.int16 or not len(samples):
            raise DatasetError(f"sound is int16 of shape (n,), not {samples.dtype} {samples.shape}")
        if not self.rate_hz > 0:
            raise DatasetError(f"sound at {self.rate_hz} Hz: give a rate above 0")

    @classmethod
    def silence(cls) -> Sound:
        """Nothing."""
        return cls(np.zeros(1, np.int16), loop=True)

    @classmethod
    def load(cls, path: str | Path, *, loop: bool = True) -> Sound:
        """A WAV file of one channel and 16 bits; DatasetError for others."""
        try:
            with wave.open(str(path), "rb") as file:
                if file.getnchannels() != 1 or file.getsampwidth() != 2:
                    raise DatasetError(
                        f"{path}: {file.getnchannels()} channels of {8 * file.getsampwidth()} bits; "
                        "the microphone plays one of 16: midge import mixes and converts"
                    )
                data, rate_hz = file.readframes(file.getnframes()), file.getframerate()
        except (OSError, EOFError, wave.Error) as error:
            raise DatasetError(f"{path} does not read as WAV ({error}); give another file") from None
        if len(data) < 2:
            raise DatasetError(f"{path} holds no samples; give another file")
        return cls(np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16), float(rate_hz), loop)

    def to_message(self) -> dict[str, Any]:
        """The sound as JSON takes it."""
        packed = base64.b64encode(self.samples.astype("<i2").tobytes()).decode()
        return {"samples": packed, "rate_hz": self.rate_hz, "loop": self.loop}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Sound:
        """The sound of `to_message`."""
        samples = np.frombuffer(base64.b64decode(message["samples"]), "<i2").astype(np.int16)
        return cls(samples, float(message["rate_hz"]), bool(message["loop"]))


class Microphone:
    """One I2S port in receive mode, and what it hears.

    Attributes
    ----------
    overruns : int
        chunks that found the ring full
    """

    def __init__(self) -> None:
        self._sound = Sound.silence()
        self._played_us = 0
        self.overruns = 0
        self._fired = False
        self.close()

    def play(self, sound: Sound, now_us: int) -> None:
        """Let `sound` be heard from `now_us` on."""
        self._sound = sound
        self._played_us = now_us
        self._origin: int | None = None

    def open(self, now_us: int, rate_hz: int, bits: int, is_stereo: bool, ring_bytes: int) -> None:
        """Start receiving: the first chunk comes after its time."""
        self._rate_hz = rate_hz
        self._bits = bits
        self._n_slots = 2 if is_stereo else 1
        self._started_us = now_us
        self._n_chunks = 0
        self._ring = bytearray()
        self._ring_bytes = ring_bytes
        self._wanted_bytes = 0
        self._origin = None

    def close(self) -> None:
        """Stop receiving."""
        self.open(0, 0, 32, False, 0)
        self._fired = False

    def want(self, n_bytes: int) -> None:
        """Tell when so many bytes wait; 0: never mind."""
        self._wanted_bytes = min(n_bytes, self._ring_bytes // 2)

    def read(self, n_bytes: int) -> bytes:
        """At most so many bytes of what waits."""
        data = bytes(self._ring[:n_bytes])
        del self._ring[:n_bytes]
        return data

    def next_event_us(self) -> int | None:
        """When what is wanted will have come, or None."""
        if not self._rate_hz or not self._wanted_bytes:
            return None
        missing = max(0, self._wanted_bytes - len(self._ring))
        chunk_bytes = CHUNK_FRAMES * self._n_slots * self._bits // 8
        return self._chunk_us(self._n_chunks + -(-missing // chunk_bytes))

    def _chunk_us(self, number: int) -> int:
        """When chunk `number`, from 1, is whole."""
        return self._started_us + number * CHUNK_FRAMES * 1_000_000 // self._rate_hz

    def advance(self, now_us: int) -> None:
        """Receive the chunks that are whole by `now_us`."""
        if not self._rate_hz:
            return
        whole = (now_us - self._started_us) * self._rate_hz // (CHUNK_FRAMES * 1_000_000)
        while whole > 0 and self._chunk_us(whole) > now_us:
            whole -= 1
        while self._chunk_us(whole + 1) <= now_us:
            whole += 1
        chunk_bytes = CHUNK_FRAMES * self._n_slots * self._bits // 8
        new = whole - self._n_chunks
        if new > 0:
            kept = min(new, max(0, self._ring_bytes - len(self._ring)) // chunk_bytes)
            if kept:
                self._ring += self._words(self._n_chunks * CHUNK_FRAMES, kept * CHUNK_FRAMES)
            self.overruns += new - kept
            self._n_chunks = whole
        if self._wanted_bytes and len(self._ring) >= self._wanted_bytes:
            self._wanted_bytes = 0
            self._fired = True

    def take_line(self) -> bool:
        """True once when what was wanted has come."""
        fired, self._fired = self._fired, False
        return fired

    @property
    def has_line(self) -> bool:
        """True if it has come and nobody took it."""
        return self._fired

    def _words(self, first: int, n: int) -> bytes:
        """Bus words of the frames from number `first` since the start."""
        sound = self._sound
        if self._origin is None:
            # The scene is read by number, not by time: no sample of it is doubled or left out.
            late_us = self._started_us + first * 1_000_000 // self._rate_hz - self._played_us
            self._origin = first - late_us * self._rate_hz // 1_000_000
        at = (np.arange(first, first + n) - self._origin) * (sound.rate_hz / self._rate_hz)
        low = np.floor(at).astype(np.int64)
        share = at - low
        values = (1 - share) * self._heard(low) + share * self._heard(low + 1)
        words = np.rint(values).astype(np.int64) << _FULL_SCALE_SHIFT
        if self._bits == 16:
            narrow = (words >> 16).astype("<i2")
            frames: NDArray[Any] = narrow
        else:
            frames = words.astype("<i4")
        if self._n_slots == 2:
            frames = np.stack([frames, np.zeros_like(frames)], axis=1)
        return frames.tobytes()

    def _heard(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        samples = self._sound.samples
        inside = at % len(samples) if self._sound.loop else np.clip(at, 0, len(samples) - 1)
        found = samples[inside].astype(np.float64)
        return found if self._sound.loop else np.where((at >= 0) & (at < len(samples)), found, 0.0)
