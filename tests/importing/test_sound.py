"""WAV files as people have them: any rate, width and number of channels sound as they did, or are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from midge import cli, dataset, recording

LENGTH_S = 0.5
TONE_HZ = 440.0


def write(path: Path, rate_hz: int, subtype: str, channels: int, level: float = 0.4) -> None:
    t = np.arange(round(LENGTH_S * rate_hz)) / rate_hz
    sound = level * np.sin(2 * np.pi * TONE_HZ * t)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([sound] * channels, axis=1), rate_hz, subtype=subtype)


def run(source: Path, into: Path, *more: str) -> int:
    pattern = "{group}/{label}/{take}.wav"
    return cli.main(["import", str(source), "--into", str(into), "--pattern", pattern, *more])


def level_and_pitch(samples: Any, rate_hz: float) -> tuple[float, float]:
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    return float(np.abs(samples).max() / 32768), float(spectrum.argmax() * rate_hz / len(samples))


@pytest.mark.parametrize(
    ("rate_hz", "subtype", "channels"),
    [
        (44100, "PCM_16", 2),
        (8000, "PCM_U8", 1),
        (48000, "FLOAT", 1),
        (11025, "PCM_24", 1),
        (32000, "DOUBLE", 2),
        (16000, "PCM_32", 1),
    ],
)
def test_a_tone_sounds_as_it_did(tmp_path: Path, rate_hz: int, subtype: str, channels: int) -> None:
    write(tmp_path / "src/ann/tone/1.wav", rate_hz, subtype, channels)
    assert run(tmp_path / "src", tmp_path / "data", "--resample", "16000") == 0
    (item,) = dataset.load(tmp_path / "data").recordings
    assert (item.label, item.group, item.kind, item.rate_hz) == ("tone", "ann", recording.SOUND, 16000)
    assert len(item.samples) == pytest.approx(LENGTH_S * 16000, abs=2)
    level, pitch_hz = level_and_pitch(item.samples[400:-400], 16000)
    assert level == pytest.approx(0.4, abs=0.02)
    assert pitch_hz == pytest.approx(TONE_HZ, abs=3)


def test_files_of_several_rates_ask_for_one_whatever_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "src/ann/tone/1.wav", 16000, "PCM_16", 1)
    write(tmp_path / "src/bob/tone/1.wav", 44100, "PCM_16", 1)
    for more in ((), ("--skip-bad",)):
        assert run(tmp_path / "src", tmp_path / "data", *more) == 1
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert "44100 Hz" in said and "--resample" in said
    assert run(tmp_path / "src", tmp_path / "data", "--resample", "16000") == 0
    assert dataset.load(tmp_path / "data").groups == ("ann", "bob")


def test_torn_empty_silent_and_clipped_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "src" / "ann" / "tone"
    write(folder / "whole.wav", 16000, "PCM_16", 1)
    whole = (folder / "whole.wav").read_bytes()
    soundfile.write(folder / "silent.wav", np.zeros(9000), 16000, subtype="PCM_16")
    write(folder / "clipped.wav", 16000, "PCM_16", 1, level=30.0)
    bad = {
        "torn": (whole[: len(whole) // 2], "copy it again"),
        "empty": (b"", "not a whole sound file"),
        "text": (b"no sound at all", "not a whole sound file"),
    }
    for name, (content, says) in bad.items():
        (folder / f"{name}.wav").write_bytes(content)
        assert run(tmp_path / "src", tmp_path / "data") == 1
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert f"{name}.wav" in said and says in said
        (folder / f"{name}.wav").unlink()
    soundfile.write(folder / "none.wav", np.zeros(0), 16000, subtype="PCM_16")
    assert run(tmp_path / "src", tmp_path / "data", "--skip-bad") == 0
    found = {Path(str(item.path)).stem: item for item in dataset.load(tmp_path / "data").recordings}
    assert set(found) == {"whole", "silent", "clipped"}
    assert not found["silent"].samples.any()
    assert np.abs(found["clipped"].samples).max() >= 32767
