"""Long runs in the air: an hour of board time with the link cut every 30 s, and sound's worth of bytes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midge.messages import Status
from midge.recipe import Recipe
from midge.record import record
from midge.recording import load
from midge.session import Timeouts, connect
from midge.transport import open_transport
from midge.virtual import VirtualBoard
from midge_device.wire import frame
from midge_device.wire import message as wire

pytest.importorskip("bumble", reason="virtual Bluetooth needs the extra ble-virtual")

PATIENT = Timeouts(hello_s=60, reply_s=60, silence_s=60)
CUT_EVERY_S = 30
MOST_GROWTH_KB = 4096


@pytest.fixture(scope="module", autouse=True)
def own_ether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture
def hip(installed: Path) -> Iterator[VirtualBoard]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed, folder, dirs_exist_ok=True)
        path = Path(folder) / "midge" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "ble": "hip"}))
        with VirtualBoard(folder=folder, ble=True) as board:
            yield board


def resident_kb(pid: int | str) -> int:
    """Memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.check
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("minutes", [60])
def test_an_hour_with_the_link_cut_every_30_s(
    hip: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path, own_ether: Path, minutes: int
) -> None:
    seconds = 60 * minutes
    memory: dict[str, list[int]] = {"host": [], "ether": [], "board": []}
    ether = json.loads((own_ether / "midge" / "ether.json").read_text())["pid"]
    with connect("ble:virtual:hip", timeouts=PATIENT) as session:
        hear = session.next_message

        def next_message() -> object:
            message = hear()
            if isinstance(message, Status):
                memory["host"].append(resident_kb("self"))
                memory["ether"].append(resident_kb(ether))
                memory["board"].append(message.free_ram_bytes // 1024)
            return message

        session.next_message = next_message  # type: ignore[method-assign,assignment]
        hip.cut_link_every(CUT_EVERY_S * 1_000_000)
        take = record(
            session, Recipe.load(str(make_app())), label="left", into=tmp_path, seconds=float(seconds)
        )
        reconnects = session.transport.reconnects
    recording = load(take.path)
    unmarked = seconds * 100 - len(recording.samples) - recording.lost
    print(
        f"{minutes} min of board time, {reconnects} reconnects, {len(recording.gaps)} gaps, "
        f"lost marked: {recording.lost}, lost unmarked: {unmarked}"
    )
    assert unmarked == 0
    assert take.partial == ""
    assert reconnects >= 0.9 * seconds / CUT_EVERY_S
    assert recording.lost < 0.1 * seconds * 100
    for name in ("host", "ether"):
        sizes = memory[name]
        quarter = len(sizes) // 4
        print(f"{name}: {max(sizes[quarter : 2 * quarter])} kB, at the end {max(sizes[-quarter:])} kB")
        assert max(sizes[-quarter:]) <= max(sizes[quarter : 2 * quarter]) + MOST_GROWTH_KB, name
    free = memory["board"]
    quarter = len(free) // 4
    print(f"board: {max(free[quarter : 2 * quarter])} kB free, at the end {max(free[-quarter:])} kB free")
    assert max(free[-quarter:]) >= 0.98 * max(free[quarter : 2 * quarter])


# As much as sound makes: blocks of a stream that is made on the board, numbered, at their time.
SOUND = """
import time
from midge_device.transport.ble import Ble
from midge_device.primitives import cobs_encode
from midge_device.wire import message
from midge_device.wire.frame import FrameEncoder
import struct
line = Ble("sound", "sound")
encoder = FrameEncoder(1024, cobs_encode)
while not line.read():
    line.wait(100)
start_us = time.ticks_us()
first = dropped = 0
for block in range({blocks}):
    due_us = time.ticks_add(start_us, block * {period_us})
    left_us = time.ticks_diff(due_us, time.ticks_us())
    if left_us > 0:
        time.sleep_us(left_us)
    struct.pack_into('<IIIB', encoder.payload, 0, first, due_us, dropped, 255)
    for at in range(0, {block_bytes}, 4):
        struct.pack_into('<I', encoder.payload, 13 + at, first + at)
    n = encoder.finish(message.DATA, 13 + {block_bytes})
    if not line.write(encoder.frame, n, 20):
        dropped += {block_bytes}
    first += {block_bytes}
struct.pack_into('<II', encoder.payload, 0, first, dropped)
line.write(encoder.frame, encoder.finish(message.STREAM_END, 8), 1000)
while True:
    line.wait(100)
    line.read()
"""


def sound(installed: Path, rate_bytes: int, seconds: int, interval_units: int = 12) -> tuple[int, int, int]:
    """Bytes that a board sent, that came whole and in order, and that are missing."""
    block_bytes = 240
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed, folder, dirs_exist_ok=True)
        code = SOUND.format(
            blocks=rate_bytes * seconds // block_bytes,
            period_us=block_bytes * 1_000_000 // rate_bytes,
            block_bytes=block_bytes,
        )
        if interval_units != 12:
            code = f"import midge_device.transport.ble as b\nb.INTERVAL_MAX = {interval_units}\n" + code
        (Path(folder) / "app.py").write_text(code)
        with VirtualBoard(folder=folder, ble=True), open_transport("ble:virtual:sound") as line:
            line.write(b"go")
            decoder = frame.FrameDecoder()
            came = lost = expected = 0
            while True:
                for kind, _, payload in decoder.feed(line.read(60.0)):
                    if kind == wire.DATA:
                        first = int(wire.unpack(kind, payload)[0])
                        data = payload[13:]
                        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
                        assert words == [*range(first, first + len(data), 4)]
                        lost += first - expected
                        came += len(data)
                        expected = first + len(data)
                    elif kind == wire.STREAM_END:
                        sent = int(wire.unpack(kind, payload)[0])
                        return sent, came, lost + sent - expected


def test_16_khz_adpcm(installed: Path) -> None:
    """8 kB/s at 15 ms and 6 packets an event."""
    sent, came, lost = sound(installed, 8000, 12)
    assert sent == 8000 * 12
    assert came + lost == sent
    assert lost == 0


@pytest.mark.check
def test_16_khz_of_16_bit_at_7_5_ms(installed: Path) -> None:
    """32 kB/s at 7.5 ms and 6 packets an event."""
    sent, came, lost = sound(installed, 32000, 30, interval_units=6)
    assert came + lost == sent
    assert lost == 0
