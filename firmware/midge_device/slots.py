"""Two slots for models, and the record of which one to boot: a power cut leaves the old or the new one.

Files below /midge: a.mpy b.mpy (modules), a.test b.test (their self-tests), slot0 slot1 (records). These are
written in turn, each with a sequence number and a CRC; the newest whole one counts, so one that is cut in the
middle changes nothing. Nothing here relies on renaming over a file, which FAT can't.
"""

import binascii
import os
import struct

from midge_device.versions import SLOT_RECORD, mismatch

EMPTY = 0
CONFIRMED = 1
TRIAL = 2  # to be tried at the next boot
TRYING = 3  # a boot is trying it; found at a boot, that one was cut short
RETRYING = 4  # the same for the second and last time
BAD = 5

STATE_NAMES = ("empty", "confirmed", "trial", "trying", "retrying", "bad")
NAMES = ("a", "b")

_LAYOUT = "<4sHHIBBB"  # magic, version, 0, sequence, active slot, states of a and b; then CRC-32
_MAGIC = b"MGSL"


def remove(path: str) -> None:
    """Remove a file that may not be there."""
    try:
        os.remove(path)
    except OSError:
        pass


def exists(path: str) -> bool:
    """Whether there is such a file or folder."""
    try:
        os.stat(path)
        return True
    except OSError:
        return False


class Slots:
    """The slots as the newest record tells.

    Attributes
    ----------
    active : int
        slot to boot, 0 or 1
    states : list of int
        one state a slot

    Raises ValueError if a record is of another version.
    """

    def __init__(self, folder: str = "/midge") -> None:
        self.folder = folder
        self.active = 0
        self.states = [EMPTY, EMPTY]
        self._sequence = 0
        self._next_record = 0
        if not exists(folder):
            os.mkdir(folder)
        found = False
        for record in (0, 1):
            fields = self._read(record)
            if fields and fields[0] >= self._sequence:
                found = True
                self._sequence, self.active, self.states = fields
                self._next_record = 1 - record
        if not found:  # freshly installed: whatever lies there is on trial
            self.states = [TRIAL if exists(self.path(slot)) else EMPTY for slot in (0, 1)]
            self.active = 1 if self.states == [EMPTY, TRIAL] else 0

    def path(self, slot: int, kind: str = "mpy") -> str:
        """Path of a slot's file: kind 'mpy' or 'test'."""
        return "{}/{}.{}".format(self.folder, NAMES[slot], kind)

    def _read(self, record: int):
        try:
            with open("{}/slot{}".format(self.folder, record), "rb") as file:
                data = file.read(64)
        except OSError:
            return None
        size = struct.calcsize(_LAYOUT)
        if len(data) != size + 4 or binascii.crc32(data[:size]) != struct.unpack("<I", data[size:])[0]:
            return None
        magic, version, _, sequence, active, a, b = struct.unpack(_LAYOUT, data[:size])
        if magic != _MAGIC or active > 1 or a >= len(STATE_NAMES) or b >= len(STATE_NAMES):
            return None
        if version != SLOT_RECORD:
            raise ValueError(mismatch("slot record", SLOT_RECORD, version))
        return sequence, active, [a, b]

    def _write(self) -> None:
        self._sequence += 1
        data = struct.pack(_LAYOUT, _MAGIC, SLOT_RECORD, 0, self._sequence, self.active, *self.states)
        with open("{}/slot{}".format(self.folder, self._next_record), "wb") as file:
            file.write(data + struct.pack("<I", binascii.crc32(data)))
        self._next_record = 1 - self._next_record

    def mark(self, slot: int, state: int) -> None:
        """Write down that `slot` is in `state`; TRIAL makes it the one to boot, BAD the other one."""
        if self.states[slot] == state and (state != TRIAL or self.active == slot):
            return
        self.states[slot] = state
        if state == TRIAL:
            self.active = slot
        elif state == BAD and self.states[1 - slot] in (CONFIRMED, TRIAL):
            self.active = 1 - slot
        self._write()

    def explain(self, reason: str) -> None:
        """Keep the reason of the last BAD for whoever asks; '' forgets it."""
        path = self.folder + "/why"
        if not reason:
            remove(path)
            return
        with open(path, "w") as file:
            file.write(reason[:120])

    def why(self) -> str:
        """The reason kept by `explain`, or ''."""
        try:
            with open(self.folder + "/why") as file:
                return file.read()
        except OSError:
            return ""

    def to_boot(self) -> int:
        """Slot to boot now, -1 if there is none. A trial that a reset cut short twice is BAD."""
        for slot in (0, 1):
            if self.states[slot] == RETRYING:
                try:
                    self.mark(slot, BAD)
                    self.explain("{}: the board reset during its self-test".format(NAMES[slot]))
                except OSError:
                    pass  # a full flash; in RAM it is BAD
        for slot in (self.active, 1 - self.active):
            if self.states[slot] in (CONFIRMED, TRIAL, TRYING) and exists(self.path(slot)):
                return slot
        return -1

    def to_fill(self) -> int:
        """Slot that a push may overwrite: never the one that a boot would fall back on."""
        active, other = self.states[self.active], self.states[1 - self.active]
        if active == EMPTY or (active != CONFIRMED and other == CONFIRMED):
            return self.active
        return 1 - self.active
