"""A long run in the air: an hour of board time with the link cut every 30 s."""

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
from midge.session import connect
from midge.timeouts import Timeouts
from midge.virtual import VirtualBoard

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
