"""Bluetooth without a radio: ordinary bleak programs, a paced link, links that break, several boards."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from midge.virtual import VirtualBoard

pytest.importorskip("bumble", reason="virtual Bluetooth needs the extra ble-virtual")

from midge.virtual.ble.client import VirtualClient
from midge.virtual.ble.scanner import VirtualScanner

NUS = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
RX = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
TX = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
TEMPERATURE = "00002a6e-0000-1000-8000-00805f9b34fb"
PATIENCE_S = 30

PROGRAMS = Path(__file__).with_name("programs")
PERIPHERAL = (PROGRAMS / "ble_peripheral.py").read_text()  # its name is "toy"


@pytest.fixture(scope="module", autouse=True)
def own_ether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def toy() -> Iterator[Callable[..., VirtualBoard]]:
    """Makes boards that run the peripheral: toy('name', clock='free')."""
    boards: list[Any] = []

    def make(name: str, **options: Any) -> VirtualBoard:
        folder = tempfile.TemporaryDirectory()
        (Path(folder.name) / "main.py").write_text(PERIPHERAL.replace('"toy"', repr(name)))
        board = VirtualBoard(folder=folder.name, ble=True, **options)
        boards.append((board, folder))
        return board.__enter__()

    yield make
    for board, folder in boards:
        board.close()
        folder.cleanup()


@pytest.fixture(scope="module")
def board(toy: Callable[..., VirtualBoard]) -> VirtualBoard:
    return toy("toy")


async def find(name: str) -> Any:
    device = await BleakScanner.find_device_by_name(name, timeout=PATIENCE_S, backend=VirtualScanner)
    assert device is not None
    return device


def bleak_program(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS / "ble_central.py"), *words],
        env={**os.environ, "MIDGE_BLE": "virtual"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_an_ordinary_bleak_program_works(board: VirtualBoard) -> None:
    process = bleak_program(NUS, RX, TX, TEMPERATURE)
    told = json.loads(process.communicate(timeout=120)[0])
    assert process.returncode == 0
    gap, gatt, environment = (
        f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("1800", "1801", "181a")
    )
    assert told == {
        "name": "toy",
        "manufacturer": "hi",
        "nobody": True,
        "filtered": 0,
        "mtu": 247,
        "connected": True,
        "services": [gap, gatt, environment, NUS],
        "properties": ["write", "write-without-response"],
        "room": 244,
        "read": "6608",
        "descriptor": "room",
        "written descriptor": "hall",
        "answers": [bytes(reversed(range(200))).hex(), b"cba".hex()],
        "indicated": "6608",
        "after stop": 0,
        "unknown": True,
        "after": False,
        "unconnected": True,
        "absent": True,
    }


async def flooded(n: int) -> tuple[list[int], int, int]:
    """Numbers of the notifications that came, how long the board took in µs, and how often it was full."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as client:
        await client.start_notify(TX, lambda _characteristic, data: heard.put_nowait(bytes(data)))
        await client.write_gatt_char(RX, b"flood %d" % n, response=True)
        numbers = [int.from_bytes((await heard.get())[:4], "little") for _ in range(n)]
        us, full = json.loads(await heard.get())
        return numbers, us, full


def test_what_a_characteristic_cannot_do_is_refused(board: VirtualBoard) -> None:
    async def scenario() -> list[str]:
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as client:
            refused = []
            for question in (
                client.read_gatt_char(TX),
                client.write_gatt_char(TX, b"x", response=True),
                client.start_notify(RX, lambda *_: None),
            ):
                with pytest.raises(BleakError) as caught:
                    await question
                refused.append(str(caught.value))
            return refused

    read, write, notify = asyncio.run(scenario())
    assert "READ_NOT_PERMITTED" in read
    assert "WRITE_NOT_PERMITTED" in write
    assert RX in notify


def test_what_is_encrypted_is_read_after_pairing_only(board: VirtualBoard) -> None:
    async def scenario() -> tuple[str, bytes, bytes]:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as client:
            with pytest.raises(BleakError) as caught:
                await client.read_gatt_char("2a6f")
            await client.pair()
            secret = bytes(await client.read_gatt_char("2a6f"))
            await client.start_notify(TX, lambda _characteristic, data: heard.put_nowait(bytes(data)))
            await client.write_gatt_char(RX, b"log", response=True)
            events = await heard.get()
            await client.unpair()
        async with BleakClient(
            await find("toy"), backend=VirtualClient, pair=True, timeout=PATIENCE_S
        ) as client:
            assert bytes(await client.read_gatt_char("2a6f")) == secret
        return str(caught.value), secret, events

    refused, secret, events = asyncio.run(scenario())
    assert "INSUFFICIENT" in refused
    assert secret == b"1234"
    assert 28 in events  # _IRQ_ENCRYPTION_UPDATE


def test_boards_are_heard_at_distances_that_change(
    board: VirtualBoard, toy: Callable[..., VirtualBoard]
) -> None:
    """Detection callback and filters, as a program that looks for the nearest one uses them."""
    toy("far")

    async def scenario() -> dict[str, list[int]]:
        heard: dict[str, list[int]] = {}
        enough = asyncio.Event()

        def look(device: Any, data: Any) -> None:
            heard.setdefault(data.local_name, []).append(data.rssi)
            if len(heard) > 1 and min(map(len, heard.values())) >= 10:
                enough.set()

        async with BleakScanner(look, [NUS], backend=VirtualScanner) as scanner:
            await asyncio.wait_for(enough.wait(), PATIENCE_S)
            assert len(scanner.discovered_devices_and_advertisement_data) == 2
        return heard

    heard = asyncio.run(scenario())
    assert set(heard) == {"toy", "far"}
    for strengths_dbm in heard.values():
        assert len(set(strengths_dbm)) > 1
        assert max(strengths_dbm) - min(strengths_dbm) <= 12
        assert all(-90 <= dbm <= -35 for dbm in strengths_dbm)


def test_a_central_reads_the_name_that_was_set(board: VirtualBoard) -> None:
    async def scenario() -> bytes:
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as client:
            return bytes(await client.read_gatt_char("2a00"))

    assert asyncio.run(scenario()) == b"toy"


def test_a_second_central_gives_up_in_time(board: VirtualBoard) -> None:
    """A board that is connected takes nobody else; who waits hears of it, and the next attempt works."""

    async def scenario() -> bool:
        device = await find("toy")
        async with BleakClient(device, backend=VirtualClient, timeout=PATIENCE_S):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(
                    BleakClient(device, timeout=0.5, backend=VirtualClient).connect(), PATIENCE_S
                )
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as client:
            return client.is_connected

    assert asyncio.run(scenario())


def test_a_link_is_as_fast_as_a_radio(board: VirtualBoard) -> None:
    """15 ms and 6 packets an event: 240 packets take 40 events, less what the buffers hold."""
    numbers, us, full = asyncio.run(flooded(240))
    assert numbers == [*range(240)]
    assert 37 * 15_000 <= us <= 41 * 15_000
    assert full > 30
    # Again it is the same, but for where between two events the question came.
    assert abs(asyncio.run(flooded(240))[1] - us) <= 15_000 + 5_000


def test_a_link_that_breaks_is_told_at_both_ends(board: VirtualBoard) -> None:
    async def run() -> None:
        gone = asyncio.Event()
        client = BleakClient(
            await find("toy"), lambda _client: gone.set(), backend=VirtualClient, timeout=PATIENCE_S
        )
        await client.connect()
        assert await asyncio.to_thread(board.cut_link) == 1
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        assert not client.is_connected
        with pytest.raises(BleakError):
            await client.read_gatt_char(TEMPERATURE)
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as again:
            assert await again.read_gatt_char(TEMPERATURE) == b"\x66\x08"

    asyncio.run(run())


@pytest.mark.parametrize("n_packets", [7, *(pytest.param(n, marks=pytest.mark.check) for n in (1, 20, 61))])
def test_a_link_breaks_after_so_many_packets(board: VirtualBoard, n_packets: int) -> None:
    async def run() -> int:
        heard: list[bytes] = []
        gone = asyncio.Event()
        client = BleakClient(
            await find("toy"), lambda _client: gone.set(), backend=VirtualClient, timeout=PATIENCE_S
        )
        await client.connect()
        await client.start_notify(TX, lambda _characteristic, data: heard.append(bytes(data)))
        await asyncio.to_thread(board.cut_link_after, n_packets)
        await client.write_gatt_char(RX, b"flood 100", response=False)
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        return len(heard)

    assert asyncio.run(run()) == n_packets - 1  # the first one is the question
    board.reset("hard")  # it floods nobody any more


def test_a_central_that_is_killed_leaves_the_board_free(board: VirtualBoard, tmp_path: Path) -> None:
    program = tmp_path / "hold.py"
    program.write_text(
        "import asyncio, sys\nfrom bleak import BleakClient, BleakScanner\n"
        "async def main():\n"
        "    device = await BleakScanner.find_device_by_name('toy', timeout=30)\n"
        "    async with BleakClient(device, timeout=30):\n"
        "        print('connected', flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(program)],
        env={**os.environ, "MIDGE_BLE": "virtual"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "connected\n"
    process.kill()
    process.wait()

    async def run() -> bytes:
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as client:
            return bytes(await client.read_gatt_char(TEMPERATURE))

    assert asyncio.run(run()) == b"\x66\x08"


def test_several_boards_at_once(board: VirtualBoard, toy: Callable[..., VirtualBoard]) -> None:
    toy("other")

    async def talk(name: str) -> bytes:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        async with BleakClient(await find(name), backend=VirtualClient, timeout=PATIENCE_S) as client:
            await client.start_notify(TX, lambda _characteristic, data: heard.put_nowait(bytes(data)))
            for number in range(20):
                await client.write_gatt_char(RX, f"{name} {number}".encode(), response=False)
                last = await heard.get()
            return last

    async def run() -> list[bytes]:
        return [*await asyncio.gather(talk("toy"), talk("other"))]

    assert asyncio.run(run()) == [b"91 yot", b"91 rehto"]


def test_a_reset_takes_the_board_off_the_air(board: VirtualBoard) -> None:
    async def run() -> None:
        gone = asyncio.Event()
        client = BleakClient(
            await find("toy"), lambda _client: gone.set(), backend=VirtualClient, timeout=PATIENCE_S
        )
        await client.connect()
        await asyncio.to_thread(board.cut_power)
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        seen = await BleakScanner.discover(0.2, backend=VirtualScanner)
        assert "toy" not in [device.name for device in seen]
        await asyncio.to_thread(board.power_on)
        await find("toy")

    asyncio.run(run())


def test_a_board_without_a_radio_has_no_bluetooth(board: VirtualBoard) -> None:
    from midge.mpremote_link import RawRepl

    with VirtualBoard() as plain, RawRepl("serial:" + plain.tty) as repl:
        assert repl.run("try:\n import bluetooth\nexcept ImportError:\n print('none')").strip() == "none"


def test_a_board_outlives_its_ether(tmp_path: Path) -> None:
    """An ether that is killed breaks all links; its boards are on the air again at once, in a new one."""
    about = tmp_path / "midge" / "ether.json"
    (tmp_path / "main.py").write_text(PERIPHERAL)

    async def scenario() -> bytes:
        gone = asyncio.Event()
        client = BleakClient(
            await find("toy"), lambda _client: gone.set(), backend=VirtualClient, timeout=PATIENCE_S
        )
        await client.connect()
        os.kill(json.loads(about.read_text())["pid"], signal.SIGKILL)
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
        while about.read_text() == before:
            await asyncio.sleep(0.01)
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        async with BleakClient(await find("toy"), backend=VirtualClient, timeout=PATIENCE_S) as again:
            assert await again.read_gatt_char(TEMPERATURE) == b"\x66\x08"
            await again.start_notify(TX, lambda _characteristic, data: heard.put_nowait(bytes(data)))
            await again.write_gatt_char(RX, b"abc", response=True)
            return await heard.get()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path))
        with VirtualBoard(folder=tmp_path, ble=True):
            before = about.read_text()
            assert asyncio.run(scenario()) == b"cba"
            assert not Path(json.loads(before)["socket"]).parent.exists()


def test_nobody_on_the_air_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(BleakError, match="midge board start NAME --ble"):
        asyncio.run(BleakScanner.discover(0.1, backend=VirtualScanner))
