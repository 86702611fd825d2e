"""Frames on the wire: 00, COBS(body), 00 with body = type, sequence, payload, CRC-32. [S]

A stray print between two frames costs itself only: the zero in front of a frame ends it. COBS after Cheshire
and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Trans. Networking 7(2), 1999. The CRC-32 is that of
zlib, little endian, over type, sequence and payload.
"""

import binascii
import struct

PAYLOAD_BYTES = 1024  # longest payload, board → host
HOST_FRAME_BYTES = 240  # longest whole frame, host → board: the smallest receive ring of a port holds it
HOST_PAYLOAD_BYTES = 231

_HEAD_BYTES = 2
_CRC_BYTES = 4


def frame_bytes(payload_bytes: int) -> int:
    """Longest frame, delimiters included, that a payload of `payload_bytes` can need."""
    body = _HEAD_BYTES + payload_bytes + _CRC_BYTES
    return body + body // 254 + 1 + 2


def cobs_encode(src: bytes, n: int, dst: bytearray) -> int:
    """Write the COBS form of src[:n] to dst and return its length (≤ n + n // 254 + 1).

    Searches for zeros instead of looping over bytes. midge_native has the same operation in C.
    """
    data = bytes(memoryview(src)[:n])
    at = out = 0
    while True:
        zero = data.find(b"\0", at)
        if zero < 0:
            zero = n
        while zero - at >= 254:
            dst[out] = 255
            dst[out + 1 : out + 255] = data[at : at + 254]
            out += 255
            at += 254
            if at == n:  # a full last group has no zero after it: nothing more to say
                return out
        dst[out] = zero - at + 1
        if zero > at:  # zeros often stand in rows: no empty slices for them
            dst[out + 1 : out + 1 + zero - at] = data[at:zero]
        out += zero - at + 1
        at = zero + 1
        if zero == n:
            return out


def cobs_decode(src: bytes, n: int, dst: bytearray) -> int:
    """Write what COBS src[:n] stands for to dst; return its length, -1 if src is no COBS or dst is short."""
    data = bytes(memoryview(src)[:n])
    if n == 0 or len(dst) < n - 1 or data.find(b"\0") >= 0:
        return -1
    at = out = 0
    while True:
        code = data[at]
        end = at + code
        if end > n:
            return -1
        if code > 1:
            dst[out : out + code - 1] = data[at + 1 : end]
            out += code - 1
        at = end
        if at == n:
            return out
        if code < 255:
            dst[out] = 0
            out += 1


class FrameEncoder:
    """Builds frames in buffers made once.

    Write the payload to `.payload`, then `finish(kind, n)`; the frame is the first bytes of `.frame`.
    `seq` counts the frames of this direction, mod 256.
    """

    def __init__(self, payload_bytes: int = PAYLOAD_BYTES, encode=cobs_encode) -> None:
        self._body = bytearray(_HEAD_BYTES + payload_bytes + _CRC_BYTES)
        self.payload = memoryview(self._body)[_HEAD_BYTES : _HEAD_BYTES + payload_bytes]
        self.frame = bytearray(frame_bytes(payload_bytes))
        self._coded = memoryview(self.frame)[1:]
        self._encode = encode
        self.seq = 0

    def finish(self, kind: int, n: int) -> int:
        """Frame the first n bytes of `.payload` as a message of type `kind`; return the frame's length."""
        body = self._body
        body[0] = kind
        body[1] = self.seq
        end = _HEAD_BYTES + n
        struct.pack_into("<I", body, end, binascii.crc32(memoryview(body)[:end]))
        coded = self._encode(body, end + _CRC_BYTES, self._coded)
        self.frame[1 + coded] = 0
        self.seq = (self.seq + 1) & 0xFF
        return coded + 2


def encode_frame(kind: int, seq: int, payload: bytes = b"") -> bytes:
    """One whole frame, delimiters included."""
    encoder = FrameEncoder(len(payload))
    encoder.seq = seq & 0xFF
    encoder.payload[:] = payload
    return bytes(encoder.frame[: encoder.finish(kind, len(payload))])


class FrameDecoder:
    """Finds the frames in a stream of bytes, given in pieces of any size.

    Whatever stands between zeros and is no frame is garbage: prints of an app, a frame with an error.

    Attributes
    ----------
    garbage_bytes, garbage_count : int
        bytes that were no frame, and pieces of them, so far
    pending : bytes
        what came since the last zero: the start of a frame, or text (a prompt) with no frame after it
    """

    def __init__(
        self, payload_bytes: int = PAYLOAD_BYTES, decode=cobs_decode, keep_text: bool = False
    ) -> None:
        size = frame_bytes(payload_bytes) - 2
        self._segment = bytearray(size)
        self._body = bytearray(size)
        self._fill = 0
        self._decode = decode
        self._text = bytearray() if keep_text else None
        self.garbage_bytes = 0
        self.garbage_count = 0

    @property
    def pending(self) -> bytes:
        """The bytes since the last zero."""
        return bytes(self._segment[: self._fill])

    def take_text(self) -> bytes:
        """The garbage since the last call, if it is kept, without an unfinished piece (see `pending`)."""
        text = bytes(self._text or b"")
        if self._text is not None:
            self._text = bytearray()
        return text

    def feed(self, data: bytes) -> list:
        """Take bytes; return the messages that they complete: a list of (kind, seq, payload: bytes)."""
        messages: list = []
        at = 0
        while at < len(data):
            zero = data.find(b"\0", at)
            end = zero if zero >= 0 else len(data)
            self._append(data, at, end)
            if zero < 0:
                break
            if self._fill:
                message = self._open()
                if message is not None:
                    messages.append(message)
                self._fill = 0
            at = zero + 1
        return messages

    def _append(self, data: bytes, start: int, end: int) -> None:
        room = len(self._segment) - self._fill
        while end - start > room:  # longer than any frame: text
            self._segment[self._fill :] = data[start : start + room]
            self._discard(len(self._segment))
            start += room
            self._fill = 0
            room = len(self._segment)
        self._segment[self._fill : self._fill + end - start] = data[start:end]
        self._fill += end - start

    def _open(self):
        n = self._decode(self._segment, self._fill, self._body)
        if n >= _HEAD_BYTES + _CRC_BYTES:
            body = self._body
            end = n - _CRC_BYTES
            (crc,) = struct.unpack_from("<I", body, end)
            if crc == binascii.crc32(memoryview(body)[:end]):
                return body[0], body[1], bytes(body[_HEAD_BYTES:end])
        self._discard(self._fill)
        return None

    def _discard(self, n: int) -> None:
        self.garbage_bytes += n
        self.garbage_count += 1
        if self._text is not None:
            self._text += self._segment[:n]
