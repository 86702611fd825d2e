"""Sound through the air, from a microphone to a recording: as 16-bit, as ADPCM, by the line's speed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from midge import flash, new, recording, sound_line
from midge.cli import main
from midge.recipe import Recipe
from midge.record import Take, record
from midge.recording import Int16
from midge.session import connect
from midge.timeouts import Timeouts
from midge.virtual import VirtualBoard
from midge.virtual.microphone import Sound

pytest.importorskip("bumble", reason="virtual Bluetooth needs the extra ble-virtual")

PATIENT = Timeouts(hello_s=60, reply_s=60, silence_s=60)
RATE_HZ = 16000
INTERVAL_15_MS, INTERVAL_7_5_MS = 12, 6
SETTLED = RATE_HZ // 2  # samples until the mean that the board removes is that of the sound


@pytest.fixture(scope="module", autouse=True)
def own_ether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new.new("words", "keyword", tmp_path_factory.mktemp("apps"))


@pytest.fixture(scope="module")
def flashed(app: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File system of a board with the app on it, and in the air as `ear`."""
    folder = tmp_path_factory.mktemp("ear")
    with VirtualBoard(folder=folder) as board:
        flash.flash(str(app), board.tty)
    config = folder / "midge" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "ble": "ear"}))
    return folder


@contextmanager
def ear(flashed: Path, *, packets: int = 6, interval: int = INTERVAL_15_MS) -> Iterator[VirtualBoard]:
    """A board with a microphone in the air, whose link has this interval (1.25 ms) and packets an event."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(flashed, folder, dirs_exist_ok=True)
        asks = f"import midge_device.transport.ble as ble\nble.INTERVAL_MAX = {interval}\n"
        (folder / "app.py").write_text(asks + (folder / "app.py").read_text())
        with VirtualBoard(folder=folder, ble=True, ble_packets=packets) as board:
            board.play_sound(Sound(sweep(), RATE_HZ, loop=True))
            yield board


def sweep() -> Int16:
    """Eight seconds that are nowhere alike: 100 Hz to 1 kHz."""
    t = np.arange(8 * RATE_HZ) / RATE_HZ
    return np.rint(9000 * np.sin(2 * np.pi * (100 * t + 900 / 16 * t**2))).astype(np.int16)


def taken(app: Path, into: Path, seconds: float, coding: str) -> tuple[Take, recording.Recording]:
    with connect("ble:virtual:ear", timeouts=PATIENT) as session:
        take = record(session, Recipe.load(app), label="yes", seconds=seconds, into=into, coding=coding)
    return take, recording.load(take.path)


def snr_db(got: recording.Recording) -> float:
    """Of what is heard against what was played; each row lies where rows and gaps before it say."""
    heard, played = got.samples[:, 0].astype(float), sweep().astype(float)
    lost = np.zeros(len(heard), int)
    for gap in got.gaps:
        lost[gap.at :] += gap.lost
    probe = heard[SETTLED : SETTLED + RATE_HZ]
    spectrum = np.fft.rfft(played) * np.conj(np.fft.rfft(probe, len(played)))
    start = int(np.argmax(np.fft.irfft(spectrum, len(played)))) - SETTLED - lost[SETTLED]
    expected = played[(start + np.arange(len(heard)) + lost) % len(played)][SETTLED:]
    noise = heard[SETTLED:] - expected
    return float(10 * np.log10(np.square(expected).sum() / np.square(noise - noise.mean()).sum()))


def test_16_khz_adpcm(flashed: Path, app: Path, tmp_path: Path) -> None:
    """15 ms and 6 packets an event."""
    with ear(flashed):
        take, got = taken(app, tmp_path, 4, sound_line.ADPCM)
    assert len(got.samples) + got.lost == 4 * RATE_HZ
    assert got.lost == 0
    assert take.warning == ""
    assert got.coding == "adpcm"
    assert got.sensor == "ics43434"
    assert snr_db(got) > 25


def test_a_link_that_breaks_leaves_a_gap_and_nothing_else(flashed: Path, app: Path, tmp_path: Path) -> None:
    with ear(flashed) as board:
        board.cut_link_after(120)
        _, got = taken(app, tmp_path, 4, sound_line.ADPCM)
    assert len(got.samples) + got.lost == 4 * RATE_HZ
    assert got.gaps
    assert snr_db(got) > 25


def test_a_slow_link_gets_adpcm_and_a_fast_one_16_bit(
    flashed: Path, app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", str(app), "--device", "ble:virtual:ear", "--label", "yes", "--seconds", "1"]
    told = {}
    for packets in (2, 6):
        with ear(flashed, packets=packets):
            assert main([*words, "--no-countdown", "--json", "--into", str(tmp_path / str(packets))]) == 0
        said = capsys.readouterr()
        told[packets] = json.loads(said.out)
        assert "the line carries" in said.err
        assert told[packets]["takes"][0]["lost"] == 0
    assert [told[packets]["coding"] for packets in (2, 6)] == ["adpcm", "16-bit"]
    # A frame of filler takes two packets.
    assert told[2]["line_bytes_s"] == pytest.approx(469 / 0.015, rel=0.15)
    assert told[6]["line_bytes_s"] == pytest.approx(3 * 469 / 0.015, rel=0.15)


@pytest.mark.check
def test_16_khz_of_16_bit_at_7_5_ms(flashed: Path, app: Path, tmp_path: Path) -> None:
    with ear(flashed, interval=INTERVAL_7_5_MS):
        _, got = taken(app, tmp_path, 30, sound_line.INT16)
    assert len(got.samples) + got.lost == 30 * RATE_HZ
    assert got.lost == 0
    assert snr_db(got) > 40
