"""Coverage-guided fuzzing of the host's frame decoder: fuzz_frame.py CORPUS -runs=N (libFuzzer's options).

An input is a stream in pieces. Whatever it is, the decoder must not raise, must not grow, must hand out only
what a frame with a right checksum says, and must understand the next good frame after a zero.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["midge_device.wire.frame"]):
    from midge_device.wire import frame

GOOD = frame.encode_frame(0x92, 7, b"still there")
# A small one, so that short inputs reach its limits.
DECODER = frame.FrameDecoder(payload_bytes=48, keep_text=True)
SIZES = len(DECODER._segment), len(DECODER._body)


def one_input(data: bytes) -> None:
    """Feed `data` in pieces whose length its first byte tells."""
    piece = 1 + data[0] % 64 if data else 1
    for at in range(1, len(data), piece):
        for kind, seq, payload in DECODER.feed(data[at : at + piece]):
            again = frame.FrameDecoder().feed(frame.encode_frame(kind, seq, payload))
            assert again == [(kind, seq, payload)]
    assert len(DECODER.pending) <= SIZES[0]
    *_, last = DECODER.feed(b"\0" + GOOD)
    assert last == (0x92, 7, b"still there")
    assert (len(DECODER._segment), len(DECODER._body)) == SIZES
    DECODER.take_text()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
