"""Messages of the protocol: types, payload layouts, NAK codes. [S]

Layouts are little endian and unpadded. No type is 0x03 (^C). Each message of the host but BEAT and BYE is
answered: HELLO by WELCOME, the others by ACK or NAK with the sequence number of the message answered.
The board sends STATUS every STATUS_MS of its own clock in an open session, the host answers each with BEAT;
after SILENCE_MS without a byte from the host the board closes the session and ^C works again.
"""

import struct

from midge_device.wire.frame import encode_frame

STATUS_MS = 500
SILENCE_MS = 2000

# host → board
HELLO = 0x10  # HELLO_MAGIC; opens the session
AUTH = 0x11  # reserved
BEAT = 0x12
BYE = 0x14
STREAM_START = 0x15  # rate_mhz (milli-hertz), range_g, n_samples (0 = until STREAM_STOP)
STREAM_STOP = 0x16
STATUS_GET = 0x17
PUSH_BEGIN = 0x18  # file, size in bytes, sha256; ACK value = offset to go on from
PUSH_CHUNK = 0x19  # offset, then ≤ CHUNK_BYTES of data; ACK value = next offset
PUSH_COMMIT = 0x1A  # file
ACTIVATE = 0x1B  # boot the pushed model: ACK, then a soft reset
RESET = 0x1C  # soft reset
SCORES_ON = 0x1D  # 1 = send SCORES after each window
RECALL = 0x1E  # the last seconds: ACK value = samples kept, then DATA … STREAM_END; the model goes on
SOUND_START = 0x1F  # rate_mhz, coding, n_samples (0 = until STREAM_STOP): STREAM_START for a microphone
LINE_TEST = 0x20  # FILLER follows, as fast as the line takes it; ACK value = its speed in bytes a second

# board → host
WELCOME = 0x90  # JSON
ACK = 0x91  # seq answered, value
NAK = 0x92  # seq answered, code; text
DATA = 0x93  # first (index since stream start), its ticks_us, dropped so far, n samples; int16 n × channels
EVENT = 0x94  # ticks_ms, label index, score, window
STATUS = 0x95  # ticks_ms, free_ram, windows, samples, dropped, overruns
LOG = 0x96  # UTF-8 text
SCORES = 0x97  # ticks_ms, window, index of the winner; int16 a label
STREAM_END = 0x98  # samples, dropped
CODED = 0x99  # as DATA, a stream of SOUND_START: one block in its coding
FILLER = 0x9A  # bytes that mean nothing

NAMES = {
    HELLO: "HELLO",
    AUTH: "AUTH",
    BEAT: "BEAT",
    BYE: "BYE",
    STREAM_START: "STREAM_START",
    STREAM_STOP: "STREAM_STOP",
    STATUS_GET: "STATUS_GET",
    PUSH_BEGIN: "PUSH_BEGIN",
    PUSH_CHUNK: "PUSH_CHUNK",
    PUSH_COMMIT: "PUSH_COMMIT",
    ACTIVATE: "ACTIVATE",
    RESET: "RESET",
    SCORES_ON: "SCORES_ON",
    RECALL: "RECALL",
    SOUND_START: "SOUND_START",
    LINE_TEST: "LINE_TEST",
    WELCOME: "WELCOME",
    ACK: "ACK",
    NAK: "NAK",
    DATA: "DATA",
    EVENT: "EVENT",
    STATUS: "STATUS",
    LOG: "LOG",
    SCORES: "SCORES",
    STREAM_END: "STREAM_END",
    CODED: "CODED",
    FILLER: "FILLER",
}

# kind: (struct format of the fields, whether bytes of any length follow them)
LAYOUTS = {
    HELLO: ("<", True),
    AUTH: ("<", True),
    BEAT: ("<", False),
    BYE: ("<", False),
    STREAM_START: ("<IHI", False),
    STREAM_STOP: ("<", False),
    STATUS_GET: ("<", False),
    PUSH_BEGIN: ("<BI32s", False),
    PUSH_CHUNK: ("<I", True),
    PUSH_COMMIT: ("<B", False),
    ACTIVATE: ("<", False),
    RESET: ("<", False),
    SCORES_ON: ("<B", False),
    RECALL: ("<", False),
    SOUND_START: ("<IBI", False),
    LINE_TEST: ("<", False),
    WELCOME: ("<", True),
    ACK: ("<BI", False),
    NAK: ("<BH", True),
    DATA: ("<IIIB", True),
    EVENT: ("<IBhI", False),
    STATUS: ("<IIIIII", False),
    LOG: ("<", True),
    SCORES: ("<IIB", True),
    STREAM_END: ("<II", False),
    CODED: ("<IIIB", True),
    FILLER: ("<", True),
}

# codes of NAK
BAD_FRAME = 1  # payload does not fit the type's layout
UNKNOWN = 2  # no such message type, or no such file number
BUSY = 3  # not now: a stream or a push is under way
NO_SPACE = 4  # the file does not fit the board's file system
NO_MEMORY = 5  # the module does not fit the board's RAM
BAD_OFFSET = 6  # a chunk that is not the next one
BAD_DIGEST = 7  # the file that arrived is not the one announced
WRONG_TARGET = 8  # module for another instruction set or .mpy version
WRONG_ABI = 9  # module with another ABI
SENSOR = 10  # no sensor, or it can't do this rate or range
STATE = 11  # not in this state: nothing to commit or to activate
INTERNAL = 12  # an error of the board; text = its traceback

CODES = {
    BAD_FRAME: "BAD_FRAME",
    UNKNOWN: "UNKNOWN",
    BUSY: "BUSY",
    NO_SPACE: "NO_SPACE",
    NO_MEMORY: "NO_MEMORY",
    BAD_OFFSET: "BAD_OFFSET",
    BAD_DIGEST: "BAD_DIGEST",
    WRONG_TARGET: "WRONG_TARGET",
    WRONG_ABI: "WRONG_ABI",
    SENSOR: "SENSOR",
    STATE: "STATE",
    INTERNAL: "INTERNAL",
}

# coding of a stream of sound
INT16 = 0  # DATA, little endian
ADPCM = 1  # CODED, see adpcm.py
OF_A_STREAM = (DATA, CODED, STREAM_END)

FILE_MODULE = 0
FILE_TEST = 1
CHUNK_BYTES = 200

HELLO_MAGIC = b"midge"
HELLO_FRAME = encode_frame(HELLO, 0, HELLO_MAGIC)  # the same bytes always; none is 0x03, so ^C may be armed


def pack(kind: int, *fields: int | bytes, tail: bytes = b"") -> bytes:
    """Payload of a message from its fields, in the order of LAYOUTS, and its tail."""
    layout, has_tail = LAYOUTS[kind]
    if tail and not has_tail:
        raise ValueError(NAMES[kind] + " has no tail")
    return struct.pack(layout, *fields) + bytes(tail)


def unpack(kind: int, payload: bytes) -> tuple:
    """Fields of a payload, then its tail as bytes if the type has one.

    Raises KeyError for an unknown type, ValueError for a payload that doesn't fit the layout.
    """
    layout, has_tail = LAYOUTS[kind]
    head = struct.calcsize(layout)
    if len(payload) < head or (len(payload) > head and not has_tail):
        raise ValueError("{}: {} bytes, layout needs {}".format(NAMES[kind], len(payload), head))
    fields = struct.unpack(layout, payload[:head])
    if has_tail:
        fields += (payload[head:],)
    return fields
