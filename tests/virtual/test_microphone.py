"""The virtual I2S microphone, with programs as people write them for a board."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from midge.errors import DatasetError
from midge.mpremote_link import RawRepl
from midge.virtual import VirtualBoard
from midge.virtual.microphone import CHUNK_FRAMES, Microphone, Sound

OPEN = """
from machine import I2S, Pin
import time
pins = dict(sck=Pin(10), ws=Pin(11), sd=Pin(12))
i2s = I2S(0, mode=I2S.RX, bits={bits}, format=I2S.{form}, rate=16000, ibuf={ibuf}, **pins)
"""


def ramp(n: int = 20000) -> Sound:
    return Sound(np.arange(n).astype(np.int16), loop=True)


def run(board: VirtualBoard, program: str, bits: int = 32, form: str = "MONO", ibuf: int = 8000) -> list[int]:
    with RawRepl(board.tty) as repl:
        return [
            int(word) for word in repl.run(OPEN.format(bits=bits, form=form, ibuf=ibuf) + program).split()
        ]


@pytest.mark.parametrize(("bits", "form", "code", "shift"), [(32, "MONO", "i", 13), (32, "STEREO", "i", 13)])
def test_blocking_reads_get_every_sample(bits: int, form: str, code: str, shift: int) -> None:
    with VirtualBoard() as board:
        board.play_sound(ramp())
        program = f"""
import struct
buf = bytearray(4000)
out = []
for _ in range(3):
    assert i2s.readinto(buf) == 4000
    out.extend(v >> {shift} for v in struct.unpack("<1000{code}", buf))
print(*out)
"""
        heard = np.array(run(board, program, bits, form))
    if form == "STEREO":
        assert not heard[1::2].any()
        heard = heard[::2]
    assert (np.diff(heard) == 1).all()


def test_irq_tells_of_full_buffers_and_nothing_is_lost() -> None:
    program = """
import struct
a, b = bytearray(640), bytearray(640)
got = []
full = []
def come(_):
    full.append(1)
i2s.irq(come)
i2s.readinto(a)
while len(got) < 30:
    if full:
        full.pop()
        got.append(struct.unpack("<160i", a))
        i2s.readinto(a)
    time.sleep_ms(1)
i2s.deinit()
print(*[v >> 13 for block in got for v in block])
"""
    with VirtualBoard() as board:
        board.play_sound(ramp())
        heard = np.array(run(board, program))
    assert len(heard) == 4800
    assert (np.diff(heard) == 1).all()


def test_a_full_ring_loses_whole_chunks_and_keeps_what_it_has() -> None:
    program = """
import struct
buf = bytearray(4000)
i2s.readinto(buf)
time.sleep_ms(300)
out = []
for _ in range(3):
    i2s.readinto(buf)
    out.extend(v >> 13 for v in struct.unpack("<1000i", buf))
print(*out)
"""
    with VirtualBoard() as board:
        board.play_sound(ramp())
        steps = np.diff(run(board, program, ibuf=8192))
    assert (steps != 1).sum() == 1
    assert (steps.max() - 1) % CHUNK_FRAMES == 0
    # 300 ms are 4800 samples; the ring holds 2048.
    assert steps.max() - 1 == pytest.approx(4800 - 2048, abs=100)


def test_sound_at_another_rate_is_heard_at_its_pitch() -> None:
    microphone = Microphone()
    t = np.arange(8000) / 8000
    microphone.play(Sound((8000 * np.sin(2 * np.pi * 500 * t)).astype(np.int16), 8000), 0)
    microphone.open(0, 16000, 32, False, 1 << 17)
    microphone.advance(900_000)
    heard = np.frombuffer(microphone.read(1 << 17), "<i4") / (1 << 13)
    spectrum = np.abs(np.fft.rfft(heard[:8000]))
    assert spectrum.argmax() == 250
    assert np.abs(heard).max() == pytest.approx(8000, abs=5)


def test_bad_files_are_told_in_one_line(tmp_path: Path) -> None:
    for name, channels, width, data, says in (
        ("stereo", 2, 2, b"\0" * 400, "2 channels"),
        ("narrow", 1, 1, b"\0" * 400, "8 bits"),
        ("empty", 1, 2, b"", "no samples"),
    ):
        path = tmp_path / f"{name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(width)
            file.setframerate(16000)
            file.writeframes(data)
        with pytest.raises(DatasetError, match=says):
            Sound.load(path)
    (tmp_path / "no.wav").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match="does not read"):
        Sound.load(tmp_path / "no.wav")
