"""Frames: the frozen vectors, and properties that no vector list can cover."""

import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midge_device.wire import frame, message

HERE = Path(__file__).parent


def test_vectors_under_cpython():
    assert runpy.run_path(str(HERE / "check_vectors.py"))["check"](HERE / "vectors.json") == []


def test_a_changed_vector_is_noticed(tmp_path):
    text = (HERE / "vectors.json").read_text()
    changed = tmp_path / "vectors.json"
    changed.write_text(text.replace(message.HELLO_FRAME.hex(), "00" * 12, 1))
    assert runpy.run_path(str(HERE / "check_vectors.py"))["check"](changed) == ["HELLO_FRAME"]


def coded(data: bytes) -> bytes:
    out = bytearray(len(data) + len(data) // 254 + 1)
    return bytes(out[: frame.cobs_encode(data, len(data), out)])


@given(st.binary(max_size=1500))
def test_cobs_has_no_zero_and_comes_back(data):
    text = coded(data)
    assert 0 not in text
    out = bytearray(len(text))
    assert bytes(out[: frame.cobs_decode(text, len(text), out)]) == data


@given(st.binary(min_size=1, max_size=600))
def test_decoding_anything_stays_in_its_buffer(text):
    out = bytearray(len(text))
    n = frame.cobs_decode(text, len(text), out)
    assert -1 <= n < max(len(text), 1)
    assert len(out) == len(text)


def test_a_short_buffer_is_refused():
    assert frame.cobs_decode(b"\x05abcd", 5, bytearray(3)) == -1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 255), st.binary(max_size=60), st.text(max_size=20).filter(lambda t: "\0" not in t)
        ),
        max_size=8,
    ),
    st.integers(1, 50),
)
def test_frames_survive_prints_between_them(parts, piece):
    line = b"".join(text.encode() + frame.encode_frame(kind, 5, payload) for kind, payload, text in parts)
    decoder = frame.FrameDecoder(keep_text=True)
    got = []
    for at in range(0, len(line), piece):
        got += decoder.feed(line[at : at + piece])
    assert got == [(kind, 5, payload) for kind, payload, _ in parts]
    assert decoder.take_text() == b"".join(text.encode() for _, _, text in parts)


@given(st.binary(max_size=100), st.data())
def test_no_flipped_bit_passes(payload, data):
    framed = bytearray(frame.encode_frame(message.LOG, 9, payload))
    at = data.draw(st.integers(0, len(framed) - 1))
    framed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert (message.LOG, 9, payload) not in frame.FrameDecoder().feed(bytes(framed))


def test_text_longer_than_any_frame_is_passed_on_and_the_next_frame_is_heard():
    decoder = frame.FrameDecoder(payload_bytes=16, keep_text=True)
    assert decoder.feed(b"x" * 1000) == []
    assert len(decoder.pending) <= frame.frame_bytes(16)
    assert decoder.feed(message.HELLO_FRAME) == [(message.HELLO, 0, b"midge")]
    assert decoder.take_text() == b"x" * 1000
    assert decoder.garbage_bytes == 1000


def test_pending_shows_a_prompt():
    decoder = frame.FrameDecoder(keep_text=True)
    decoder.feed(frame.encode_frame(message.STATUS, 0, bytes(24)) + b"\r\n>>> ")
    assert decoder.pending == b"\r\n>>> "


def test_encoder_counts_its_frames_and_reuses_its_buffers():
    encoder = frame.FrameEncoder(32)
    encoder.seq = 255
    buffer = encoder.frame
    for seq in (255, 0, 1):
        encoder.payload[:2] = b"ab"
        n = encoder.finish(message.LOG, 2)
        assert bytes(buffer[:n]) == frame.encode_frame(message.LOG, seq, b"ab")


@pytest.mark.parametrize("payload_bytes", [0, 1, 247, 248, 249, 231, 1024])
def test_frame_bytes_is_the_longest_frame(payload_bytes):
    longest = max(
        len(frame.encode_frame(1, 1, filler * payload_bytes)) for filler in (b"\0", b"\x01", b"\xff")
    )
    assert longest <= frame.frame_bytes(payload_bytes)


def test_host_frames_fit_the_smallest_receive_ring():
    assert frame.frame_bytes(frame.HOST_PAYLOAD_BYTES) <= frame.HOST_FRAME_BYTES
    chunk = message.pack(message.PUSH_CHUNK, 0, tail=bytes(message.CHUNK_BYTES))
    assert len(chunk) <= frame.HOST_PAYLOAD_BYTES
