"""Bad files: one line that names file and row, and nothing is imported by halves.

The table of what is said of each: pytest -q -rP tests/importing/test_bad_files.py | grep midge:
"""
# ruff: noqa: E501

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from midge import cli, dataset

GOOD = "t_ms,x,y,z\n" + "".join(f"{n * 10},0,0,1\n" for n in range(100))
ACQUISITION = {
    "protected": {"ver": "v1", "alg": "HS256", "iat": 1},
    "signature": "0" * 64,
    "payload": {
        "device_name": "a",
        "device_type": "b",
        "interval_ms": 10,
        "sensors": [{"name": f"acc{axis}", "units": "g"} for axis in "XYZ"],
        "values": [[0, 0, 1]] * 50,
    },
}


def rows(text: str, n: int = 50) -> str:
    """A header, `n` good rows with `text` in the middle, 10 ms apart."""
    half = n // 2
    lines = [f"{k * 10},0,0,1" for k in range(half)]
    after = [f"{k * 10},0,0,1" for k in range(half + 1, n)]
    return "\n".join(["t_ms,x,y,z", *lines, *([text] if text else []), *after]) + "\n"


def npy(array: np.ndarray) -> bytes:  # type: ignore[type-arg]
    import io

    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def wav(samples: int, says: int) -> bytes:
    data = bytes(2 * samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + 2 * says)
        + b"WAVE"
        + form
        + b"data"
        + struct.pack("<I", 2 * says)
        + data
    )


def acquisition(**changes: object) -> str:
    return json.dumps({**ACQUISITION, "payload": {**ACQUISITION["payload"], **changes}})  # type: ignore[dict-item]


UNIT = ("--unit", "g")
# name: (file name, content, further options, what is said)
BAD: dict[str, tuple[str, str | bytes, tuple[str, ...], str]] = {
    "empty": ("b.csv", "", (), "b.csv: it is empty"),
    "names only": ("b.csv", "t_ms,x,y,z\n", (), "b.csv: holds no samples"),
    "one row": ("b.csv", "t_ms,x,y,z\n0,0,0,1\n", (), "b.csv row 2: 1 samples at one time"),
    "one time": ("b.csv", "t_ms,x,y,z\n5,0,0,1\n5,0,0,1\n", (), "b.csv row 2: 2 samples at one time"),
    "missing column": ("b.csv", "t_ms,x,y\n" + "0,0,1\n" * 9, (), "b.csv row 1: no columns that are clearly x, y and z"),
    "missing column, by place": ("b.csv", "0,0,1\n1,0,1\n", ("--columns", "t_ms,x,y,z"), "b.csv row 1: 3 columns, 4 expected"),
    "missing column, by name": ("b.csv", "t,a,b,c\n0,0,0,1\n", ("--columns", "t_s=t,x=a,y=b,z=d"), "row 1: no column 't'"),
    "short row": ("b.csv", rows("250,0,0"), (), "b.csv row 27: 3 columns, 4 expected"),
    "long row": ("b.csv", rows("250,0,0,1,1"), (), "b.csv row 27: 5 columns, 4 expected"),
    "word": ("b.csv", rows("250,0,oops,1"), (), "b.csv row 27: 'oops' is not a number"),
    "long word": ("b.csv", rows(f"250,0,{'o' * 5000},1"), (), "b.csv row 27: 'ooooo"),
    "NaN": ("b.csv", rows("250,0,NaN,1"), (), "b.csv row 27: a value is missing (NaN)"),
    "infinity": ("b.csv", rows("250,0,inf,1"), (), "b.csv row 27: a value is missing (NaN)"),
    "empty cell": ("b.csv", rows("250,0,,1"), (), "b.csv row 27: a value is missing"),
    "empty stamp": ("b.csv", rows(",0,0,1"), (), "b.csv row 27: a value is missing"),
    "time goes back": ("b.csv", rows("100,0,0,1"), (), "b.csv row 27: time goes back from 240 to 100"),
    "truncated": ("b.csv", GOOD[:-4], (), "b.csv row 101: 3 columns, 4 expected; the file ends in the middle of it"),
    "not UTF-8": ("b.csv", rows("").encode() + b"\xe9\n", (), "b.csv row 51: byte 0xe9 is not utf-8"),
    "binary": ("b.csv", bytes(range(32)) * 20, (), "b.csv row 1: it is binary"),
    "m/s^2 taken for g": ("b.csv", GOOD.replace(",1\n", ",9.81\n"), UNIT, "b.csv row 2: in g the usual acceleration is 9.81 g; in m/s^2"),
    "g taken for m/s^2": ("b.csv", GOOD, ("--unit", "m/s^2"), "row 2: in m/s^2 the usual acceleration is 0.102 g; in g"),
    "mg taken for g": ("b.csv", GOOD.replace(",1\n", ",1000\n"), UNIT, "b.csv row 2: in g the usual acceleration is 1e+03 g; in mg"),
    "g taken for mg": ("b.csv", GOOD, ("--unit", "mg"), "row 2: in mg the usual acceleration is 0.001 g; in g"),
    "no unit fits": ("b.csv", GOOD.replace(",1\n", ",77\n"), (), "which unit? the usual acceleration is"),
    "ms taken for s": ("b.csv", GOOD, ("--columns", "t_s,x,y,z"), "row 2: time stamps in s are 0.1 Hz, and 100 Hz are wanted"),
    "ms taken for us": ("b.csv", GOOD, ("--columns", "t_us,x,y,z"), "row 2: time stamps in us are 1e+05 Hz, and 100 Hz are wanted"),
    "unknown unit": ("b.csv", GOOD, ("--unit", "furlong"), "--unit 'furlong' is not one of"),
    "names and rows differ": ("b.csv", "t_ms,x,y,z,label\n" + "0,0,0,1\n1,0,0,1\n" * 9, (), "b.csv row 1: 5 names, 4 columns below"),
    "no names, five columns": ("b.csv", "0,0,0,1,1\n1,0,0,1,1\n" * 9, (), "b.csv row 1: 5 columns without names"),
    "packed": ("b.csv", b"\x1f\x8b" + bytes(80), (), "b.csv row 1: it is packed by gzip: unpack it first"),
    "Excel": ("b.csv", b"PK\x03\x04" + bytes(80), (), "b.csv row 1: it is an Excel file or a zip archive"),
    "web page": ("b.csv", "<!DOCTYPE html>\n<html>404</html>\n", (), "b.csv row 1: it is a web page"),
    "pointer": ("b.csv", "version https://git-lfs.github.com/spec/v1\noid 1\n", (), "b.csv row 1: it is a pointer of Git LFS"),
    "names again": ("b.csv", GOOD + GOOD, (), "b.csv row 102: 'x' is not a number"),
    "sorted backwards": ("b.csv", "t_ms,x,y,z\n" + "".join(f"{990 - n * 10},0,0,1\n" for n in range(99)), (), "b.csv row 3: time goes back from 990 to 980"),
    "other rates": ("b.csv", "t_ms,x,y,z\n" + "".join(f"{n * 50},0,0,1\n" for n in range(99)), ("--trust-unit",), "which rate shall the dataset have? the files' time stamps are at 20 to 100 Hz"),
    "sensor off": ("a.csv", GOOD.replace(",1\n", ",0\n"), (), "a.csv: x, y and z are 0: a sensor that is off"),
    "npy cut": ("b.npy", npy(np.zeros((50, 3)))[:-8], ("--rate", "100"), "b.npy: not a whole .npy"),
    "npy of words": ("b.npy", npy(np.array(["a"])), ("--rate", "100"), "b.npy: must be a table of numbers"),
    "npy with NaN": ("b.npy", npy(np.full((9, 3), np.nan)), ("--rate", "100"), "b.npy row 1: a value is missing"),
    "npy without a rate": ("b.npy", npy(np.eye(3)[[2] * 9]), (), "b.npy: no time column and no --rate"),
    "npy on its side": ("b.npy", npy(np.ones((3, 90))), ("--rate", "100"), "lies on its side"),
    "Parquet cut": ("b.parquet", b"PAR1" + bytes(40), (), "b.parquet: not a whole Parquet file"),
    "sound cut": ("b.wav", wav(100, 8000), ("--kind", "sound"), "b.wav: it ends after 100 samples"),
    "sound without samples": ("b.wav", wav(0, 0), ("--kind", "sound"), "b.wav: holds no samples"),
    "no sound at all": ("b.wav", b"RIFF", ("--kind", "sound"), "b.wav: not a whole sound file"),
    "JSON cut": ("b.json", acquisition()[:-9], (), "b.json row 1: not whole JSON"),
    "other JSON": ("b.json", "{}", (), "b.json: no Edge Impulse acquisition file"),
    "acquisition without sensors": ("b.json", acquisition(sensors=[]), (), "b.json row 1: 3 values, 0 sensors"),
    "acquisition with a short row": ("b.json", acquisition(values=[[0, 0, 1], [0, 0]]), (), "b.json row 2: 2 values, 3 sensors"),
    "acquisition with null": ("b.json", acquisition(values=[[0, 0, 1], [0, None, 1]]), (), "b.json row 2: a value is not a number"),
    "wrong signature": ("b.json", acquisition(), ("--hmac-key", "secret"), "b.json: its signature is not of this --hmac-key"),
    "CBOR cut": ("b.cbor", b"\xa3\x61", (), "b.cbor: not whole CBOR"),
    "brace alone": ("b.csv", GOOD, ("--pattern", "{label.csv"), "--pattern '{label.csv': a { stands alone"),
    "unknown field": ("b.csv", GOOD, ("--pattern", "{lable}.csv"), "{lable} is not one of"),
    "unmatched file": ("b.dat", GOOD, (), "b.dat fits no --pattern"),
    "a label that the app does not know": ("b.csv", GOOD, ("--app", "gesture"), "row 2: label 'a' is not the app's"),
    "label with a slash": ("b.csv", GOOD, ("--relabel", "b=x/y"), "b.csv row 2: label 'x/y' can't be part of a file name"),
    "group with a colon": ("b.csv", GOOD, ("--group", "a:b"), "row 2: group 'a:b' can't be part of a file name"),
    "group of 300 letters": ("b.csv", GOOD, ("--group", "g" * 300), "row 2: group 'gggggggggggggggggggggggg'… has 300 letters"),
    "two columns of one name": ("b.csv", GOOD, ("--columns", "x,x,y,z"), "--columns: 'x' is there twice"),
    "no such folder": ("b.csv", GOOD, ("--labels", "nowhere.csv"), "nowhere.csv is not there"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_one_line_and_nothing_by_halves(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file_name, content, options, says = BAD[name]
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_text(GOOD)
    (source / file_name).write_bytes(content if isinstance(content, bytes) else content.encode())
    patterns = [] if "--pattern" in options else ["--pattern", "{label}.csv"]
    if Path(file_name).suffix != ".csv" and "unmatched" not in name:
        (source / "a.csv").unlink()
        patterns = ["--pattern", "{label}" + Path(file_name).suffix]
    before = sorted(tmp_path.rglob("*"))
    rate = [] if {"--app", "--rate", "--kind"} & set(options) or "rate" in name else ["--resample", "100"]
    code = cli.main(["import", "in", "--into", "out", *patterns, *rate, *options])
    said = capfd.readouterr().err
    print(f"{name:36} {said.strip()}")
    assert code == 1
    assert says in said
    assert said.startswith("midge: ") and said.count("\n") == 1 and len(said) < 330
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["short row", "word", "NaN", "empty cell", "empty stamp"])
def test_dropped_rows_are_told_and_the_rest_comes_in(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.csv").write_text(str(BAD[name][1]))
    out = tmp_path / "out"
    command = ["import", str(tmp_path / "in"), "--into", str(out), "--pattern", "{label}.csv"]
    assert cli.main([*command, "--resample", "100", "--drop-rows", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["recordings"] == 1 and any("1 rows left out" in warning for warning in said["warnings"])
    (item,) = dataset.load(out).recordings
    assert len(item.samples) + item.lost == 50


def test_a_dry_run_writes_nothing_and_tells_what_is_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(GOOD)
    (tmp_path / "in" / "b.csv").write_text(rows("250,0,oops,1"))
    before = sorted(tmp_path.rglob("*"))
    command = ["import", str(tmp_path / "in"), "--into", str(tmp_path / "out"), "--pattern", "{label}.csv"]
    assert cli.main([*command, "--resample", "100", "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["labels"] == {"a": 1} and "row 27" in said["skipped"]["b.csv"]
    assert any("columns x=x, y=y, z=z, t=t_ms" in text for text in said["assumed"])
    assert sorted(tmp_path.rglob("*")) == before
