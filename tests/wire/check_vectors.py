"""Checks wire/ against the frozen vectors; the same under CPython and on a board: returns what differs."""

import json
from array import array

from midge_device import adpcm
from midge_device.wire import frame, message


def check_cobs(vectors, encode, decode):
    """Both directions of every vector; `encode` and `decode` may be the Python or the native twin."""
    wrong = []
    for vector in vectors["cobs"]:
        data, coded = bytes.fromhex(vector["data"]), bytes.fromhex(vector["coded"])
        out = bytearray(len(data) + len(data) // 254 + 1)
        n = encode(data, len(data), out)
        if bytes(out[:n]) != coded:
            wrong.append("encode " + vector["data"])
        out = bytearray(len(coded))
        n = decode(coded, len(coded), out)
        if bytes(out[:n]) != data:
            wrong.append("decode " + vector["coded"])
    for text in vectors["not_cobs"]:
        coded = bytes.fromhex(text)
        if decode(coded, len(coded), bytearray(300)) != -1:
            wrong.append("accepted " + text)
    return wrong


def check_messages(vectors):
    """Payload and frame of every message type, out and in."""
    wrong = []
    if bytes.fromhex(vectors["hello"]) != message.HELLO_FRAME:
        wrong.append("HELLO_FRAME")
    if vectors["codes"] != {name: code for code, name in message.CODES.items()}:
        wrong.append("codes")
    for vector in vectors["messages"]:
        kind, seq, tail = vector["kind"], vector["seq"], bytes.fromhex(vector["tail"])
        fields = [bytes.fromhex(f["hex"]) if isinstance(f, dict) else f for f in vector["fields"]]
        payload, framed = bytes.fromhex(vector["payload"]), bytes.fromhex(vector["frame"])
        if getattr(message, vector["name"]) != kind or message.NAMES[kind] != vector["name"]:
            wrong.append("type " + vector["name"])
        if message.pack(kind, *fields, tail=tail) != payload:
            wrong.append("pack " + vector["name"])
        if message.unpack(kind, payload) != tuple(fields + ([tail] if message.LAYOUTS[kind][1] else [])):
            wrong.append("unpack " + vector["name"])
        if frame.encode_frame(kind, seq, payload) != framed:
            wrong.append("frame " + vector["name"])
        if frame.FrameDecoder().feed(framed) != [(kind, seq, payload)]:
            wrong.append("decode " + vector["name"])
    return wrong


def check_streams(vectors):
    """Frames among garbage, in pieces of several sizes."""
    wrong = []
    for number, vector in enumerate(vectors["streams"]):
        data = bytes.fromhex(vector["bytes"])
        garbage = b"".join([bytes.fromhex(piece) for piece in vector["garbage"]])
        for piece in (1, 2, 7, 64, len(data)):
            decoder = frame.FrameDecoder(keep_text=True)
            kinds = []
            for at in range(0, len(data), piece):
                kinds += [found[0] for found in decoder.feed(data[at : at + piece])]
            if kinds != vector["kinds"]:
                wrong.append(f"stream {number} by {piece}: {kinds}")
            if decoder.take_text() != garbage or decoder.garbage_bytes != len(garbage):
                wrong.append(f"garbage of stream {number} by {piece}")
    return wrong


def check_adpcm(vectors, encode):
    """Every block, by the Python or the native twin."""
    wrong = []
    for number, vector in enumerate(vectors["adpcm"]):
        samples = array("h", vector["samples"])
        block = bytearray(len(vector["block"]) // 2)
        following = encode(samples, len(samples), vector["index"], block)
        if block != bytes.fromhex(vector["block"]) or following != vector["next"]:
            wrong.append(f"adpcm {number}")
    return wrong


def check(path):
    """Every difference from the vector file at `path`, as a list of texts."""
    with open(path) as file:  # noqa: PTH123
        vectors = json.load(file)
    return (
        check_cobs(vectors, frame.cobs_encode, frame.cobs_decode)
        + check_messages(vectors)
        + check_streams(vectors)
        + check_adpcm(vectors, adpcm.encode_slow)
    )
