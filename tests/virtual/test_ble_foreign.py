"""A peripheral that knows nothing of midge, over the air and through the command; and programs on aioble."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from midge.cli import main
from midge.recording import load
from midge.virtual import VirtualBoard

pytest.importorskip("bumble", reason="virtual Bluetooth needs the extra ble-virtual")

from midge.virtual.ble.client import VirtualClient
from midge.virtual.ble.scanner import VirtualScanner

CHARACTERISTIC = "0000fff1-0000-1000-8000-00805f9b34fb"
PATIENCE_S = 30

# Two samples a notification with their number in front, or lines of text; 100 Hz in all.
WATCH = """
import bluetooth, struct, time
ble = bluetooth.BLE()
ble.active(True)
ble.config(mtu=128)
connections = []
def irq(event, data):
    if event == 1:
        connections.append(data[0])
    elif event == 2:
        connections.clear()
        advertise()
ble.irq(irq)
NUS = bluetooth.UUID('6E400001-B5A3-F393-E0A9-E50E24DCCA9E')
TX = bluetooth.UUID('6E400003-B5A3-F393-E0A9-E50E24DCCA9E')
((numbers,), (text,)) = ble.gatts_register_services((
    (bluetooth.UUID(0xFFF0), ((bluetooth.UUID(0xFFF1), bluetooth.FLAG_NOTIFY),)),
    (NUS, ((TX, bluetooth.FLAG_NOTIFY),)),
))
def advertise():
    ble.gap_advertise(20000, b'\\x02\\x01\\x06\\x06\\x09watch')
advertise()
n = 0
while True:
    time.sleep_ms(20)
    for connection in connections:
        samples = struct.pack('<hhhhhh', n % 1000, -(n % 1000), 1, (n + 1) % 1000, -((n + 1) % 1000), 1)
        try:
            ble.gatts_notify(connection, numbers, struct.pack('<H', n & 0xffff) + samples)
            ble.gatts_notify(connection, text, '%.3f,%.3f,1\\n%.3f,%.3f,1\\n' % (n % 4, -(n % 4), n % 4, 0))
        except OSError:
            pass
    n += 2
"""


@pytest.fixture(scope="module", autouse=True)
def own_ether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("MIDGE_BLE", "virtual")
        yield


@pytest.fixture(scope="module")
def watch() -> Iterator[VirtualBoard]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.py").write_text(WATCH)
        with VirtualBoard(folder=folder, ble=True) as board:
            yield board


def words(app: Path, into: Path, *more: str) -> list[str]:
    return [
        *("record", str(app), "--device", "ble:watch", "--label", "left", "--no-countdown", "--json"),
        *("--into", str(into), *more),
    ]


def test_a_layout_with_a_counter_and_a_link_that_breaks(
    watch: VirtualBoard,
    make_app: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    watch.cut_link_after(150)
    options = ("--ble-characteristic", "fff1", "--layout", "<H|hhh", "--seconds", "6")
    assert main(words(make_app(), tmp_path, *options)) == 0
    (take,) = json.loads(capsys.readouterr().out)["takes"]
    recording = load(Path(take["path"]))
    assert len(recording.samples) + recording.lost == 600
    assert recording.lost > 0
    # Between gaps each sample follows the one before.
    steps = np.diff(recording.samples[:, 0].astype(int)) % 1000
    breaks = np.flatnonzero(steps != 1) + 1
    assert {int(at) for at in breaks} <= {gap.at for gap in recording.gaps}
    for gap in recording.gaps:
        assert steps[gap.at - 1] == (gap.lost + 1) % 1000


def test_lines_over_the_uart_service(
    watch: VirtualBoard,
    make_app: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uart = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
    assert main(words(make_app(), tmp_path, "--ble-characteristic", uart, "--seconds", "2")) == 0
    (take,) = json.loads(capsys.readouterr().out)["takes"]
    samples = load(Path(take["path"])).samples
    assert samples.shape == (200, 3)
    assert set(samples[:, 2].tolist()) == {8192}
    assert set(samples[:, 0].tolist()) == {0, 2 * 8192}


def test_a_characteristic_that_is_not_there(
    watch: VirtualBoard, make_app: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(make_app(), tmp_path, "--ble-characteristic", "2a37", "--seconds", "1")) == 1
    told = capsys.readouterr().err
    assert "has no characteristic 00002a37-0000-1000-8000-00805f9b34fb" in told
    assert CHARACTERISTIC in told


# As micropython-lib's own example of a sensor: notified and read, on asyncio.
AIOBLE = """
import asyncio, struct
import aioble, bluetooth
service = aioble.Service(bluetooth.UUID(0x181A))
temperature = aioble.Characteristic(service, bluetooth.UUID(0x2A6E), read=True, notify=True)
command = aioble.Characteristic(service, bluetooth.UUID(0xFFF1), write=True, capture=True)
aioble.register_services(service)
async def sense():
    degrees = 2000
    while True:
        temperature.write(struct.pack('<h', degrees), send_update=True)
        degrees += 1
        await asyncio.sleep_ms(100)
async def obey():
    while True:
        connection, data = await command.written()
        temperature.notify(connection, data)
async def serve():
    while True:
        async with await aioble.advertise(
            50000, name='aio', services=[bluetooth.UUID(0x181A)]
        ) as connection:
            await connection.disconnected(timeout_ms=None)
async def main():
    await asyncio.gather(sense(), obey(), serve())
asyncio.run(main())
"""


@pytest.mark.skipif(
    "MIDGE_AIOBLE" not in os.environ,
    reason="needs micropython-lib's folder micropython/bluetooth in $MIDGE_AIOBLE",
)
def test_programs_on_aioble() -> None:
    async def run() -> None:
        device = await BleakScanner.find_device_by_name("aio", timeout=PATIENCE_S, backend=VirtualScanner)
        assert device is not None
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        for _ in range(2):  # it advertises again
            async with BleakClient(device, backend=VirtualClient, timeout=PATIENCE_S) as client:
                await client.start_notify("2a6e", lambda _characteristic, data: heard.put_nowait(bytes(data)))
                first = int.from_bytes(await heard.get(), "little")
                assert int.from_bytes(await heard.get(), "little") == first + 1
                assert len(await client.read_gatt_char("2a6e")) == 2
                await client.write_gatt_char("fff1", b"hello", response=True)
                while await heard.get() != b"hello":
                    pass

    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "lib" / "aioble"
        library.mkdir(parents=True)
        for file in Path(os.environ["MIDGE_AIOBLE"]).glob("aioble*/aioble/*.py"):
            shutil.copy(file, library)
        (Path(folder) / "main.py").write_text(AIOBLE)
        with VirtualBoard(folder=folder, ble=True):
            asyncio.run(run())
