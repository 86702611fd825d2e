"""Takes of sound go to a player, one after the other; what is no sound, or can't be played, is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from midge import cli, take
from midge.recording import Recording

PLAYER = '#!/bin/sh\necho "$2" >> "$PLAYED"\n[ -z "$BROKEN" ] || { echo "no such device" >&2; exit 1; }\n'


@pytest.fixture
def words(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for label in ("yes", "no"):
        samples = rng.integers(-900, 900, (800, 1)).astype(np.int16)
        item = Recording(
            label=label,
            channels=("sound",),
            rate_hz=8000,
            scale=32768.0,
            kind="sound",
            unit="FS",
            group="ann",
            samples=samples,
        )
        take.save(item, tmp_path / "words", f"{label}_ann_001")
    return tmp_path / "words"


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder, log = tmp_path / "bin", tmp_path / "played"
    folder.mkdir()
    (folder / "aplay").write_text(PLAYER)
    (folder / "aplay").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYED", str(log))
    return log


def test_takes_are_played_in_turn(words: Path, played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "listen", str(words), "--label", "yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in told["played"]] == ["yes_ann_001.wav"]
    assert played.read_text().split() == told["played"]


def test_a_player_that_fails_and_none_at_all_are_one_line(
    words: Path, played: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROKEN", "1")
    assert cli.main(["data", "listen", str(words)]) == 1
    assert "no such device" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert cli.main(["data", "listen", str(words)]) == 1
    said = capsys.readouterr().err
    assert "no player of sound" in said and "aplay" in said
