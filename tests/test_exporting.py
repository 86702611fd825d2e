"""Export: what goes out comes in again with the same samples, labels, groups and gaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from midge import cli, dataset, exporting, storing
from midge.cli.export import FORMATS
from midge.recording import Description, Gap, Recording

RNG = np.random.default_rng(3)


def motion(
    folder: Path, name: str, label: str, group: str, gaps: tuple[Gap, ...] = (), rate_hz: float = 59.0
) -> None:
    samples = np.rint(RNG.normal([0, 0, 8192], 3000, (150, 3))).clip(-32768, 32767).astype(np.int16)
    about = Description(label=label, channels=("x", "y", "z"), rate_hz=rate_hz, scale=8192.0, group=group)
    storing.write(folder, name, about, samples, gaps)


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    motion(folder, "walk_ann_001", "walk", "ann")
    motion(folder, "walk.fast_bo_001", "walk.fast", "bo", (Gap(60, 1), Gap(100, 40)))
    motion(folder, "rest_001", "sit still", "")
    return folder


def sounds(folder: Path) -> Path:
    folder.mkdir()
    for number, label in enumerate(("yes", "no")):
        samples = RNG.integers(-20000, 20000, (4000, 1)).astype(np.int16)
        about = Description(
            label=label,
            channels=("sound",),
            rate_hz=16000.0,
            scale=32768.0,
            kind="sound",
            unit="FS",
            group=f"g{number}",
        )
        storing.write(folder, f"{label}_001", about, samples, ())
    return folder


def content(items: tuple[Recording, ...]) -> list[tuple[str, str, bytes]]:
    """Label, group and samples of the stretches between gaps, in an order of their own."""
    parts = [(item, *bounds) for item in items for bounds in dataset.stretches(item)]
    return sorted((item.label, item.group, item.samples[a:b].tobytes()) for item, a, b in parts if b > a)


def there_and_back(folder: Path, tmp_path: Path, form: str, *options: str) -> tuple[Recording, ...]:
    out, back = tmp_path / "out", tmp_path / "back"
    assert cli.main(["export", str(folder), "--format", form, "--into", str(out), *options]) == 0
    again = exporting.export  # the command prints what import needs; the same comes from Python
    done = again(_all(folder), tmp_path / "twice", form, exporting.Options(*_unit_and_key(options)))
    assert cli.main(["import", str(out), "--into", str(back), *done.import_again]) == 0
    return dataset.load(back).recordings


def _all(folder: Path) -> list[object]:
    from midge.curate import takes

    return list(takes.choose(folder))


def _unit_and_key(options: tuple[str, ...]) -> tuple[str, str | None]:
    given = dict(zip(options[::2], options[1::2], strict=True))
    return given.get("--unit", ""), given.get("--hmac-key")


@pytest.mark.parametrize(
    ("form", "unit"),
    [(form, unit) for form in FORMATS for unit in ("", "m/s^2") if form != "wav" or not unit],
)
def test_motion_comes_back_the_same(form: str, unit: str, moved: Path, tmp_path: Path) -> None:
    items = there_and_back(moved, tmp_path, form, *(("--unit", unit) if unit else ()))
    assert content(items) == content(dataset.load(moved).recordings)
    assert {item.rate_hz for item in items} == {59.0} and {item.scale for item in items} == {8192.0}
    # Without time stamps a gap parts a take.
    torn = {name: [f"{name}-{part:03d}" for part in (1, 2, 3)] for name in ["walk.fast_bo_001"]}
    torn = {} if form in ("csv", "parquet") else torn
    names = ["rest_001", "walk_ann_001", *torn.get("walk.fast_bo_001", ["walk.fast_bo_001"])]
    assert sorted(item.path.stem for item in items if item.path) == sorted(names)


@pytest.mark.parametrize("form", ["edge-impulse", "edge-impulse-cbor"])
def test_edge_impulse_files_need_no_options(
    form: str, moved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, suffix = tmp_path / "out", exporting.FORMATS[form][0]
    assert cli.main(["export", str(moved), "--format", form, "--into", str(out)]) == 0
    assert cli.main(["import", str(out), "--into", str(tmp_path / "plain")]) == 0
    assert content(dataset.load(tmp_path / "plain").recordings) == content(dataset.load(moved).recordings)
    # info.labels is no recording, and nobody has to leave it out.
    command = [
        "import",
        str(out),
        "--into",
        str(tmp_path / "by_name"),
        "--pattern",
        f"{{label}}.{{take}}{suffix}",
    ]
    assert cli.main(command) == 0
    assert "left out" not in capsys.readouterr().err


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_time_stamps_keep_gaps(form: str, moved: Path, tmp_path: Path) -> None:
    items = {item.label: item for item in there_and_back(moved, tmp_path, form)}
    assert items["walk.fast"].gaps == (Gap(60, 1), Gap(100, 40))


@pytest.mark.parametrize("form", exporting.OF_SOUND)
def test_sound_comes_back_the_same(form: str, tmp_path: Path) -> None:
    folder = sounds(tmp_path / "data")
    items = there_and_back(folder, tmp_path, form)
    assert content(items) == content(dataset.load(folder).recordings)
    assert {(item.kind, item.rate_hz) for item in items} == {("sound", 16000.0)}


@pytest.mark.parametrize("form", ["edge-impulse", "edge-impulse-cbor"])
def test_a_signature_holds_until_a_byte_changes(
    form: str, moved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert there_and_back(moved, tmp_path, form, "--hmac-key", "secret")
    path = sorted((tmp_path / "out").glob("walk*"))[0]
    data = path.read_bytes()
    path.write_bytes(
        data.replace(b"walk" if b"walk" in data else b"midge", b"talk_"[: 4 if b"walk" in data else 5], 1)
    )
    command = ["import", str(tmp_path / "out"), "--into", str(tmp_path / "new"), "--hmac-key", "secret"]
    assert path.read_bytes() != data
    assert cli.main(command) == 1
    assert "signature is not of this --hmac-key" in capsys.readouterr().err
    path.write_bytes(data)
    capsys.readouterr()
    assert cli.main([*command[:-1], "other", "--json"]) == 1
    assert "signature" in capsys.readouterr().err
    assert cli.main([*command[:-2], "--json"]) == 0
    assert any("signed, not verified" in text for text in json.loads(capsys.readouterr().out)["assumed"])


def test_an_export_overwrites_nothing(
    moved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(["export", str(moved), "--format", "csv", "--into", str(tmp_path / "out")]) == 1
    assert "is there already" in capsys.readouterr().err
    folder = sounds(tmp_path / "sound")
    assert cli.main(["export", str(folder), "--format", "csv", "--into", str(tmp_path / "new")]) == 1
    assert "is sound" in capsys.readouterr().err
    assert sorted(path for path in tmp_path.rglob("*") if "sound" not in path.parts) == before


def test_the_command_knows_every_format() -> None:
    assert tuple(exporting.FORMATS) == FORMATS
