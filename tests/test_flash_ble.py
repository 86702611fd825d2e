"""`midge flash --ble`: a board gets into the air, stays there, leaves, and is refused without a radio."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midge.cli import main
from midge.errors import DeviceError
from midge.flash import flash
from midge.virtual import VirtualBoard

pytest.importorskip("bumble", reason="virtual Bluetooth needs the extra ble-virtual")


@pytest.fixture(autouse=True)
def own_ether(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield


def configured(board: VirtualBoard) -> object:
    return json.loads((board.folder / "midge" / "config.json").read_text()).get("ble")


def test_a_board_gets_into_the_air_and_out_of_it(
    make_app: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    app = str(make_app())
    with VirtualBoard(ble=True) as board:
        assert main(["flash", app, board.tty, "--ble", "wrist"]) == 0
        assert "it is in the air as ble:wrist" in capsys.readouterr().out
        flash(app, board.tty)
        assert configured(board) == "wrist", "flashing again leaves it as it was"
        assert main(["flash", app, board.tty, "--ble", "off"]) == 0
        assert configured(board) is None


def test_a_firmware_without_bluetooth_is_refused(make_app: Callable[..., Path]) -> None:
    with VirtualBoard() as board:
        with pytest.raises(DeviceError, match=r"no bluetooth; official firmware of RPI_PICO_W"):
            flash(str(make_app()), board.tty, ble="wrist")
        assert not (board.folder / "midge").exists(), "nothing was written"
