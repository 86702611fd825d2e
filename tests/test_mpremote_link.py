"""The raw REPL of a virtual board, through mpremote."""

from __future__ import annotations

import hashlib
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from midge import mpremote_link
from midge.errors import DeviceError, DeviceNotFound, ReplyTimeout, TransportError, TransportLost
from midge.mpremote_link import RawRepl
from midge.transport import open_transport
from midge.virtual import VirtualBoard


@pytest.fixture(scope="module")
def bare() -> Iterator[VirtualBoard]:
    with VirtualBoard() as board:
        yield board


@pytest.fixture
def repl(bare: VirtualBoard) -> Iterator[RawRepl]:
    with RawRepl(bare.tty) as link:
        yield link


def test_code_values_and_errors(repl: RawRepl) -> None:
    assert repl.run("print(6 * 7)") == "42\r\n"
    assert repl.value("(1, 'zwei', b'\\x00', None)") == (1, "zwei", b"\0", None)
    with pytest.raises(DeviceError, match="ZeroDivisionError") as caught:
        repl.run("1 / 0")
    assert "Traceback" in caught.value.traceback


@pytest.mark.parametrize("n_bytes", [0, 1, 1023, 1024, 1025, 20_000])
def test_files_arrive_byte_for_byte(bare: VirtualBoard, repl: RawRepl, n_bytes: int) -> None:
    data = bytes(range(256)) * (n_bytes // 256 + 1)
    data = data[:n_bytes]
    seen: list[tuple[float, float | None]] = []
    repl.make_folders(["/a", "/a/b"])
    repl.make_folders(["/a", "/a/b"])
    repl.write_file("/a/b/data.bin", data, on_progress=lambda n, total=None, text="": seen.append((n, total)))
    assert (bare.folder / "a/b/data.bin").read_bytes() == data
    assert repl.read_file("/a/b/data.bin") == data
    assert not n_bytes or seen[-1] == (n_bytes, n_bytes)
    assert repl.digests(["/a/b/data.bin", "/none"]) == {
        "/a/b/data.bin": hashlib.sha256(data).hexdigest(),
        "/none": None,
    }


def test_many_digests(bare: VirtualBoard, repl: RawRepl) -> None:
    for number in range(40):
        (bare.folder / f"n{number}").write_bytes(bytes([number]))
    found = repl.digests([f"/n{number}" for number in range(40)])
    assert found == {f"/n{number}": hashlib.sha256(bytes([number])).hexdigest() for number in range(40)}


def test_the_boards_file_errors_are_its_own(bare: VirtualBoard, repl: RawRepl) -> None:
    with pytest.raises(DeviceError, match="read /none"):
        repl.read_file("/none")
    with pytest.raises(DeviceError, match="write /none/x"):
        repl.write_file("/none/x", b"1")
    bare.set_flash_bytes(1)
    with pytest.raises(DeviceError, match="No space"):
        repl.write_file("/big", bytes(3000))
    bare.set_flash_bytes(1 << 21)


def test_restart_runs_main(bare: VirtualBoard) -> None:
    (bare.folder / "main.py").write_text("print('main ran')\n")
    with RawRepl(bare.tty) as repl:
        repl.restart()
    (bare.folder / "main.py").unlink()
    with open_transport(bare.tty) as line:
        line.write(b"\x03\x02")
        heard = b""
        while b">>>" not in heard:
            heard += line.read(5.0)


def test_a_board_that_is_still_booting_is_caught(bare: VirtualBoard) -> None:
    (bare.folder / "main.py").write_text("while True:\n    pass\n")
    try:
        for _ in range(3):
            bare.reset("hard")
            with RawRepl(bare.tty) as repl:
                assert repl.value("1 + 1") == 2
    finally:
        (bare.folder / "main.py").unlink()


def test_nothing_is_printed_on_our_stdout(bare: VirtualBoard, capsys: pytest.CaptureFixture[str]) -> None:
    with RawRepl(bare.tty) as repl:
        repl.run("print(1)")
    assert capsys.readouterr().out == ""


def test_a_power_cut_is_a_lost_line(bare: VirtualBoard) -> None:
    with RawRepl(bare.tty) as repl:
        bare.cut_power()
        with pytest.raises(TransportLost, match="was lost"):
            repl.run("print(1)")
    bare.power_on()
    with RawRepl(bare.tty) as repl:
        assert repl.value("1 + 1") == 2


def test_ports_that_do_not_open(bare: VirtualBoard) -> None:
    with pytest.raises(DeviceNotFound):
        RawRepl("/dev/ttyACM99")
    with pytest.raises(DeviceNotFound):
        RawRepl("loop:x")
    with open_transport(bare.tty), pytest.raises(TransportError, match="in use"):
        RawRepl(bare.tty)


def test_a_port_that_is_no_repl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpremote_link, "ENTER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(mpremote_link, "READ_TIMEOUT_S", 0.1)
    monkeypatch.setattr(mpremote_link, "INTERRUPT_WAIT_S", 0.01)
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        with pytest.raises(ReplyTimeout, match="raw REPL"), RawRepl(os.ttyname(slave)):
            pass
    finally:
        os.close(master)
        os.close(slave)
