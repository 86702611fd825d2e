"""A model on the board: checked before its import, tested by its golden rows, then run without allocating."""

import binascii
import gc
import json
import os
import struct
import sys
from array import array

from midge_device.versions import MODULE_ABI, mismatch
from midge_device.wire import message

# Native architectures by their number in a .mpy header (MicroPython's py/persistentcode.h).
ARCHITECTURES = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
_ARMV6M = 4  # Thumb firmware runs the code of its own architecture and of every lesser one
_ARMV7EMDP = 8

_TEST_HEADER = "<4sHHHHHH"
_TEST_MAGIC = b"MGT1"


class RefusedError(ValueError):
    """The board will not take this; `.code` is a NAK code, `.text` says why."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def firmware_target() -> str:
    """The target whose modules this firmware loads, '' if it loads no native code."""
    return ARCHITECTURES[getattr(sys.implementation, "_mpy", 0) >> 10 & 15]


def largest_block_bytes() -> int:
    """Size of the largest block that can be allocated now, to about 1 %."""
    gc.collect()
    low, high = 0, gc.mem_free()
    while high - low > 64 + (low >> 7):
        middle = (low + high + 1) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
    gc.collect()
    return low


def check_header(header: bytes) -> None:
    """Raise RefusedError unless this firmware can load a .mpy with these first four bytes."""
    if len(header) < 4 or header[0] != 0x4D:
        raise RefusedError(message.WRONG_TARGET, "not a .mpy file")
    here = getattr(sys.implementation, "_mpy", 0)
    if header[1] != here & 0xFF:
        raise RefusedError(message.WRONG_TARGET, mismatch(".mpy", here & 0xFF, header[1]))
    arch = header[2] >> 2 & 15
    if not arch:
        return
    here_arch = here >> 10 & 15
    if not here_arch:
        raise RefusedError(message.WRONG_TARGET, "this firmware loads no native code; install one that does")
    thumb = _ARMV6M <= arch <= here_arch <= _ARMV7EMDP
    if arch != here_arch and not thumb:
        name = ARCHITECTURES[arch] if arch < len(ARCHITECTURES) else str(arch)
        raise RefusedError(
            message.WRONG_TARGET, "built for {}, this board is {}".format(name, ARCHITECTURES[here_arch])
        )
    if header[2] & 3 != here >> 8 & 3:  # counts for native code only
        raise RefusedError(message.WRONG_TARGET, mismatch(".mpy sub", here >> 8 & 3, header[2] & 3))


def _read_vuint(file) -> int:
    """An unsigned number of a .mpy file: base 128, high bits first, the top bit set on all but the last."""
    value = 0
    for _ in range(5):
        byte = file.read(1)
        if not byte:
            break
        value = value << 7 | byte[0] & 0x7F
        if byte[0] < 0x80:
            return value
    raise RefusedError(message.BAD_DIGEST, "the file is cut short")


def _check_whole(file, size: int) -> None:
    """Raise RefusedError for a native module that ends early: the firmware's loader reads on past the end."""
    n_names = _read_vuint(file)
    n_objects = _read_vuint(file)
    if n_objects:
        raise RefusedError(message.WRONG_ABI, "not a midge module: it holds constant objects")
    for _ in range(n_names):
        length = _read_vuint(file)
        if not length & 1:  # else: a name that the firmware has, by its number
            file.seek((length >> 1) + 1, 1)
    code_bytes = _read_vuint(file) >> 3
    if file.tell() + code_bytes >= size:
        raise RefusedError(message.BAD_DIGEST, "the file is cut short")
    file.seek(size - 1)
    if file.read(1) != b"\xff":  # the end of the relocations
        raise RefusedError(message.BAD_DIGEST, "the file is cut short")


def check_file(path: str) -> int:
    """Check a module file without importing it; returns its size in bytes. Raises RefusedError."""
    size = os.stat(path)[6]
    total = gc.mem_free() + gc.mem_alloc()
    with open(path, "rb") as file:
        header = file.read(4)
        check_header(header)
        if size > total:
            raise RefusedError(message.NO_MEMORY, "{} bytes, the board's RAM is {}".format(size, total))
        if header[2] >> 2 & 15:
            _check_whole(file, size)
    return size


def _import(folder: str, name: str):
    """Import folder/name.mpy; sys.path and sys.modules are as before."""
    path = sys.path[:]
    sys.path[:] = [folder]
    try:
        return __import__(name)
    finally:
        sys.path[:] = path
        sys.modules.pop(name, None)


class Model:
    """An imported module with its buffers.

    Parameters
    ----------
    folder, name : str
        where the module is: folder/name.mpy

    Attributes
    ----------
    info : dict
        the module's info()
    scores : array('h')
        of the last window
    """

    def __init__(self, folder: str, name: str) -> None:
        size = check_file("{}/{}.mpy".format(folder, name))
        largest = largest_block_bytes()
        if size > largest:
            raise RefusedError(
                message.NO_MEMORY, "{} bytes, the largest free block is {}".format(size, largest)
            )
        module = _import(folder, name)
        abi = getattr(module, "ABI", 0)
        if abi != MODULE_ABI:
            raise RefusedError(message.WRONG_ABI, mismatch("module ABI", MODULE_ABI, abi))
        self.info = json.loads(module.info())
        if module.N_SCORES > 1 and len(self.info["labels"]) != module.N_SCORES:
            raise RefusedError(message.WRONG_ABI, "labels and scores differ in number")
        self.has_frontend = module.STATE_BYTES > 0 and bool(self.info.get("window"))
        self._module = module
        self._state = bytearray(module.STATE_BYTES)
        # A net's tensors lie in the state.
        self._arena = (self._state,) if self.info.get("arena") else ()
        self.scores = array("h", bytes(2 * module.N_SCORES))
        self._push = module.push
        self._ready = module.ready
        self._predict = module.predict
        self.reset()

    def reset(self) -> None:
        """An empty window. Allocates nothing."""
        if self.has_frontend:
            self._module.init(self._state)

    def push(self, block, start: int, stop: int) -> int:
        """Take samples start..stop, at most to the next hop; returns how many. Allocates nothing."""
        return self._push(self._state, block, start, stop)

    def ready(self) -> bool:
        """Whether a window is full at a hop."""
        return self._ready(self._state)

    def predict(self) -> int:
        """Scores of the window into `.scores`; returns the winner's index. Allocates nothing."""
        return self._predict(self._state, self.scores)

    def self_test(self, blob: bytes) -> int:
        """Compare with golden rows and windows (layout: compile/golden.py); returns how many there were.

        Raises RefusedError at the first difference, and for a blob that is damaged or of another model.
        """
        size = struct.calcsize(_TEST_HEADER)
        if len(blob) < size + 4 or binascii.crc32(blob[:-4]) != struct.unpack("<I", blob[-4:])[0]:
            raise RefusedError(message.BAD_DIGEST, "self-test: damaged file")
        magic, n_features, n_scores, n_rows, n_windows, length, channels = struct.unpack(
            _TEST_HEADER, blob[:size]
        )
        module = self._module
        if magic != _TEST_MAGIC or n_features != module.N_FEATURES or n_scores != module.N_SCORES:
            raise RefusedError(message.WRONG_ABI, "self-test: of another model")
        at = size
        for row in range(n_rows):
            features = _int16(blob, at, n_features)
            winner = module.classify(features, self.scores, *self._arena)
            at = self._compare(blob, at + 2 * n_features, winner, "row", row)
        for window in range(n_windows):
            samples = _int16(blob, at, length * channels)
            self.reset()
            done = 0
            while done < length:
                done += self.push(samples, done, length)
            if not self.ready():
                raise RefusedError(message.WRONG_ABI, "self-test: windows of another length")
            at = self._compare(blob, at + 2 * length * channels, self.predict(), "window", window)
        self.reset()
        return n_rows + n_windows

    def _compare(self, blob: bytes, at: int, index: int, what: str, number: int) -> int:
        expected = _int16(blob, at, len(self.scores))
        at += 2 * len(self.scores)
        (winner,) = struct.unpack("<H", blob[at : at + 2])
        if index != winner or bytes(self.scores) != bytes(expected):
            raise RefusedError(
                message.BAD_DIGEST, "self-test: {} {} differs on this board".format(what, number)
            )
        return at + 2


def _int16(blob: bytes, at: int, n: int) -> array:
    return array("h", blob[at : at + 2 * n])
