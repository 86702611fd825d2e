"""Import without options: unit and rate are told from the files, or asked for in a sensible order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge import cli, dataset
from midge.importing.first_look import round_hz


def csv(path: Path, rate_hz: float, *, one_g: float = 1.0, n: int = 300, shaken: float = 0.0) -> None:
    rng = np.random.default_rng(len(path.name))
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        f"{1000 * k / rate_hz:.1f},{one_g * x:.4f},{one_g * y:.4f},{one_g * (1 + z):.4f}"
        for k, (x, y, z) in enumerate(rng.normal(0, shaken, (n, 3)))
    ]
    path.write_text("\n".join(["t_ms,x,y,z", *rows]) + "\n")


def run(*words: str | Path) -> int:
    return cli.main(["import", *map(str, words), "--pattern", "{label}.csv"])


def test_the_pace_of_the_time_stamps_is_the_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv(tmp_path / "in" / "walk.csv", 49.9)
    csv(tmp_path / "in" / "rest.csv", 50.3)
    assert run(tmp_path / "in", "--into", tmp_path / "out") == 0
    assert "rate 50 Hz: the time stamps are at" in capsys.readouterr().out
    assert {item.rate_hz for item in dataset.load(tmp_path / "out").recordings} == {50.0}


def test_a_rate_that_boards_lack_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv(tmp_path / "in" / "walk.csv", 62.5)
    csv(tmp_path / "in" / "rest.csv", 62.5)
    assert run(tmp_path / "in", "--into", tmp_path / "out") == 0
    said = "rate 62.5 Hz: the time stamps are at 62.5 Hz (sensors of boards have --resample 50)"
    assert said in capsys.readouterr().out
    assert cli.main(["new", "mine", "--data", str(tmp_path / "out"), "--into", str(tmp_path)]) == 0
    assert "62 Hz is no rate of the usual sensors" in capsys.readouterr().err


def test_what_is_there_already_gives_the_rate_and_made_up_samples_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv(tmp_path / "in" / "walk.csv", 100)
    assert run(tmp_path / "in", "--into", tmp_path / "out") == 0
    assert "brought up" not in capsys.readouterr().err
    csv(tmp_path / "more" / "rest.csv", 50)
    assert run(tmp_path / "more", "--into", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert "rate 100 Hz: as what is in" in said.out
    assert "1 recording of 50 Hz brought up to 100 Hz: nothing quicker than 25 Hz" in said.err


def test_the_unit_comes_before_the_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv(tmp_path / "in" / "slow.csv", 20, one_g=77)
    csv(tmp_path / "in" / "quick.csv", 90, one_g=77)
    assert run(tmp_path / "in", "--into", tmp_path / "out") == 1
    assert "which unit?" in capsys.readouterr().err
    assert run(tmp_path / "in", "--into", tmp_path / "out", "--unit", "77/g") == 1
    assert "which rate shall the dataset have" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("one_g", "unit"), [(1.0, "g"), (9.80665, "m/s^2"), (1000.0, "mg"), (16384.0, "16384/g")]
)
def test_vigorous_motion_hides_no_unit(
    one_g: float, unit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vigorous = one_g < 100
    csv(tmp_path / "in" / "jump.csv", 50, one_g=one_g, shaken=0.45 if vigorous else 0.02)
    assert run(tmp_path / "in", "--into", tmp_path / "out") == 0
    assert f"unit {unit}: the usual acceleration is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pace", "rate"),
    [(49.98, 50), (104.3, 104), (59, 59), (9.9, 10), (98.6, 100), (207, 208), (1601, 1600), (0.4, 1)],
)
def test_rates_that_paces_mean(pace: float, rate: float) -> None:
    assert round_hz(pace) == rate


def test_files_that_give_nothing_are_told_with_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "notes.md").write_text("# notes")
    into = ["--into", str(tmp_path / "out")]
    assert cli.main(["import", str(source), *into]) == 1
    assert "no file of 1 is a recording by its name; the first is notes.md" in capsys.readouterr().err
    csv(source / "ann" / "walk_1.csv", 50)
    assert run(source, *into, "--skip-unmatched") == 1
    said = capsys.readouterr().err
    assert "no file of 2 fits --pattern '{label}.csv'; the first is ann/walk_1.csv" in said
    assert "'ann/{label}_{take}.csv'" in said
    (source / "ann" / "walk_1.csv").write_text("t_ms,x,y,z\n0,0,oops,1\n")
    assert cli.main(["import", str(source), *into, "--skip-bad", "--rate", "50"]) == 1
    said = capsys.readouterr().err
    assert "no file of 1 gave a recording; the first, ann/walk_1.csv row 2: 'oops' is not a number" in said
    assert not (tmp_path / "out").exists()
