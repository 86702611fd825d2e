"""A board in the air: what works over serial works over ble:, and a broken link loses nothing unmarked."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from midge import build, devices
from midge.cli import main
from midge.errors import DeviceNotFound, TransportError, TransportLost
from midge.messages import Data, Message, Status, StreamEnd
from midge.model_file import Model
from midge.push import activate, package, send
from midge.recording import load
from midge.session import Session, connect
from midge.timeouts import Timeouts
from midge.transport import open_transport
from midge.transport.ble_link import full_uuid
from midge.virtual import VirtualBoard
from midge_device.wire import message as wire

pytest.importorskip("bumble", reason="virtual Bluetooth needs the extra ble-virtual")

# A loaded machine may be slow; the board's clock waits for it.
PATIENT = Timeouts(hello_s=30, reply_s=30, silence_s=30)


@pytest.fixture(scope="module", autouse=True)
def own_ether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@contextmanager
def in_the_air(installed: Path, name: str) -> Iterator[VirtualBoard]:
    """A board with midge on it that advertises `name`."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed, folder, dirs_exist_ok=True)
        path = Path(folder) / "midge" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "ble": name}))
        with VirtualBoard(folder=folder, ble=True) as board:
            yield board


@pytest.fixture(scope="module")
def wrist(installed: Path) -> Iterator[VirtualBoard]:
    with in_the_air(installed, "wrist") as board:
        yield board


def stream(session: Session, rate_hz: int, n: int) -> tuple[int, int, list[Message]]:
    """Samples that came, samples that are missing, and the last messages."""
    session.request(wire.STREAM_START, rate_hz * 1000, 4, n)
    came = lost = expected = 0
    others: list[Message] = []
    while True:
        message = session.next_message()
        if isinstance(message, Data):
            lost += message.first - expected
            came += len(message.samples)
            expected = message.first + len(message.samples)
        else:
            others.append(message)
        if isinstance(message, StreamEnd):
            return came, lost + message.samples - expected, others


def test_welcome_says_the_name_in_the_air(wrist: VirtualBoard) -> None:
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session:
        assert session.welcome.raw["ble"] == "wrist"
        assert session.transport.name == "ble:virtual:wrist"
        assert session.missed_frames == 0


def test_three_axes_at_400_hz_lose_nothing(wrist: VirtualBoard) -> None:
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session:
        came, lost, _ = stream(session, 400, 4000)
        assert (came, lost) == (4000, 0)
        assert session.missed_frames == 0
        assert session.transport.reconnects == 0


def test_10_kb_of_a_model_take_less_than_3_s_of_air(wrist: VirtualBoard) -> None:
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session:
        parcel = package(build.find("gesture").model, session.welcome)
        size = len(parcel.module) + len(parcel.test)
        assert size > 10_000
        start_us = wrist.time_us()
        assert send(session, parcel) == size
        # By the clock of the air: a status that waited in the queue would tell of an earlier time.
        assert 0 < (wrist.time_us() - start_us) * 10_000 / size < 3_000_000
        assert activate(session, parcel).model is not None


@pytest.mark.parametrize(
    "n_packets", [40, *(pytest.param(n, marks=pytest.mark.check) for n in (1, 2, 3, 4, 41, 42, 55))]
)
def test_a_push_goes_on_where_the_link_broke(
    wrist: VirtualBoard, make_model: Callable[..., Model], n_packets: int
) -> None:
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session:
        parcel = package(make_model(seed=n_packets), session.welcome)
        size = len(parcel.module) + len(parcel.test)
        wrist.cut_link_after(n_packets)
        sent_bytes = send(session, parcel)
        assert session.transport.reconnects == 1
        # A chunk that arrived without its ACK is not sent again; neither is anything else.
        assert size - wire.CHUNK_BYTES <= sent_bytes <= size
        assert (activate(session, parcel).model or {})["digest"] == parcel.digest


@pytest.mark.parametrize(
    "n_packets", [25, *(pytest.param(n, marks=pytest.mark.check) for n in (1, 2, 3, 4, 26, 27))]
)
def test_a_recording_goes_on_after_the_link_broke(wrist: VirtualBoard, n_packets: int) -> None:
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session:
        wrist.cut_link_after(n_packets)
        came, lost, _ = stream(session, 100, 1000)
        assert came + lost == 1000
        assert came < 1000 or n_packets < 5, "a link that broke before the stream began costs nothing"
        assert session.transport.reconnects == 1


def test_the_command_marks_what_was_lost(
    wrist: VirtualBoard, tmp_path: Path, make_app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    wrist.cut_link_after(60)
    words = ["--device", "ble:virtual:wrist", "--label", "left", "--seconds", "10", "--no-countdown"]
    assert main(["record", str(make_app()), *words, "--into", str(tmp_path / "data")]) == 0
    told = capsys.readouterr()
    assert "MTU 247" in told.err
    assert "1 reconnects" in told.err
    (path,) = (tmp_path / "data").glob("*.csv")
    recording = load(path)
    assert len(recording.samples) + recording.lost == 1000
    assert recording.gaps
    assert recording.reconnects == 1


def test_a_board_that_stays_away_ends_the_recording(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midge.transport.ble_link.RETURN_S", 0.5)
    monkeypatch.setattr("midge.transport.ble_link.SCAN_S", 5)
    with (
        in_the_air(installed, "away") as board,
        connect("ble:virtual:away", timeouts=PATIENT) as session,
    ):
        session.request(wire.STREAM_START, 100_000, 4, 0)
        assert isinstance(session.next_message(), Data | Status)
        board.cut_power()
        with pytest.raises(TransportLost, match="bring it nearer"):
            while True:
                session.next_message()


def test_two_boards_at_once(wrist: VirtualBoard, installed: Path) -> None:
    results: dict[str, tuple[int, int]] = {}

    def record(name: str) -> None:
        with connect(f"ble:virtual:{name}", timeouts=PATIENT) as session:
            results[name] = stream(session, 400, 1600)[:2]

    with in_the_air(installed, "ankle"):
        threads = [threading.Thread(target=record, args=(name,)) for name in ("wrist", "ankle")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {"wrist": (1600, 0), "ankle": (1600, 0)}


def test_serial_and_air_side_by_side(wrist: VirtualBoard) -> None:
    """Each line has its session; a stream belongs to one of them."""
    from midge.errors import DeviceError

    with (
        connect("ble:virtual:wrist", timeouts=PATIENT) as air,
        connect("serial:" + wrist.tty, timeouts=PATIENT) as cable,
    ):
        air.request(wire.STREAM_START, 100_000, 4, 0)
        with pytest.raises(DeviceError) as refused:
            cable.request(wire.STREAM_START, 100_000, 4, 0)
        assert refused.value.code == wire.BUSY
        assert isinstance(cable.next_message(), Status)
        air.request(wire.STREAM_STOP)
        while not isinstance(air.next_message(), StreamEnd):
            pass
        cable.request(wire.STREAM_START, 100_000, 4, 64)
        while not isinstance(message := cable.next_message(), StreamEnd):
            pass
        assert message.samples == 64


def test_a_host_that_never_comes_back_gives_the_board_free(wrist: VirtualBoard) -> None:
    """A stream is kept for a host that is away, for 20 s."""
    from midge.errors import DeviceError

    with connect("ble:virtual:wrist", timeouts=PATIENT) as air:
        air.request(wire.STREAM_START, 100_000, 4, 0)
        air.transport.close()  # without BYE, as a program that was killed
        with connect("serial:" + wrist.tty, timeouts=PATIENT) as cable:
            with pytest.raises(DeviceError) as refused:
                cable.request(wire.STREAM_START, 100_000, 4, 64)
            assert refused.value.code == wire.BUSY
        wrist.stall()
        wrist.advance(20_500_000)
        wrist.run()
        with connect("serial:" + wrist.tty, timeouts=PATIENT) as cable:
            assert stream(cable, 100, 64)[:2] == (64, 0)


def test_devices_lists_what_is_in_the_air(
    wrist: VirtualBoard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDGE_BLE", "virtual")
    heard, trouble = devices.in_the_air(1.0)
    assert trouble == ""
    found = {device.address: device for device in heard}
    assert found["ble:wrist"].description.startswith("in the air, app tester")
    assert main(["devices", "--ble", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "ble:wrist" in [device["address"] for device in told["devices"]]


def test_flash_says_that_it_needs_a_port(wrist: VirtualBoard, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flash", "gesture", "ble:virtual:wrist"]) == 1
    assert "ble:virtual:wrist is no serial port, and this needs one" in capsys.readouterr().err


def test_who_is_not_there(wrist: VirtualBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midge.transport.ble_link.SCAN_S", 0.3)
    with pytest.raises(DeviceNotFound, match="midge devices --ble"):
        open_transport("ble:virtual:nobody")
    with pytest.raises(DeviceNotFound, match="needs a name"):
        open_transport("ble:")


def test_no_ether_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(TransportError, match="midge board start NAME --ble"):
        open_transport("ble:virtual:wrist")


def test_short_uuids() -> None:
    assert full_uuid("2A37") == full_uuid("0x2a37") == "00002a37-0000-1000-8000-00805f9b34fb"
    assert full_uuid("6E400003-B5A3-F393-E0A9-E50E24DCCA9E") == "6e400003-b5a3-f393-e0a9-e50e24dcca9e"


def test_the_end_of_a_stream_waits_for_its_host(wrist: VirtualBoard) -> None:
    """While the link is down the stream ends: its end is told once the host is back."""
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session:
        session.request(wire.STREAM_START, 400_000, 4, 800)
        wrist.stall()
        wrist.cut_link()
        wrist.advance(3_000_000)
        wrist.run()
        while not isinstance(message := session.next_message(), StreamEnd):
            pass
        assert message.samples == 800
        assert session.transport.reconnects == 1


def test_two_boards_of_one_name(wrist: VirtualBoard, installed: Path) -> None:
    """A name that two have is asked back; who is connected comes back to its own board."""
    with connect("ble:virtual:wrist", timeouts=PATIENT) as session, in_the_air(installed, "wrist"):
        ours = session.welcome.board_id
        wrist.cut_link()
        session.request(wire.STATUS_GET)
        assert session.transport.reconnects == 1
        session.request(wire.RESET)
        assert session.reopen().board_id == ours
        session.close()
        with pytest.raises(TransportError, match=r"2 boards in the air .* wrist; .* ble:virtual:\w\w:"):
            open_transport("ble:virtual:wrist")
        heard, _ = devices.in_the_air(1.0)
        addresses = [device.address for device in heard if "wrist, app tester" in device.description]
        assert len(addresses) == 2
        ids = set()
        for address in addresses:
            with connect(address, timeouts=PATIENT) as one:
                ids.add(one.welcome.board_id)
        assert len(ids) == 2
        assert ours in ids
