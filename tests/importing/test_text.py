"""CSV as people write it: every dialect gives the same samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge import dataset, importing
from midge.errors import DatasetError
from midge.importing import Source, columns, dialect, heads, pattern, text, units

N = 120
PACE_S = 0.02
VALUES = np.stack([np.arange(N) % 16 - 8, np.full(N, 4), 64 + np.arange(N) % 3], axis=1) / 64


def table(
    separator: str,
    *,
    decimal: str = ".",
    time: str = "{:.2f}",
    factor: float = 1.0,
    start: float = 0.0,
    scale: float = 1.0,
) -> str:
    """The rows of VALUES with a stamp in front."""
    lines = []
    for number, row in enumerate(VALUES):
        stamp = time.format(start + number * PACE_S * factor)
        cells = [stamp, *(f"{value * scale:.8g}" for value in row)]
        lines.append(separator.join(cell.replace(".", decimal) for cell in cells))
    return "\n".join(lines) + "\n"


def quoted(body: str) -> str:
    return "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in body.splitlines()) + "\n"


DIALECTS: dict[str, bytes] = {
    "header": b"time,x,y,z\n" + table(",").encode(),
    "no header": table(",").encode(),
    "semicolons and decimal commas": b"time;ax;ay;az\n" + table(";", decimal=",").encode(),
    "tabs": b"t\tacc_x\tacc_y\tacc_z\n" + table("\t").encode(),
    "tabs and decimal commas": b"t\tacc_x\tacc_y\tacc_z\n" + table("\t", decimal=",").encode(),
    "spaces": table(" ").encode(),
    "runs of spaces": table("   ").encode(),
    "spaces and decimal commas": table(" ", decimal=",").encode(),
    "comma and space": table(", ").encode(),
    "bars": table("|").encode(),
    "quotes": b'"Time","X","Y","Z"\n' + quoted(table(",")).encode(),
    "comments": b"# made by hand\n# at 50 Hz\ntime,x,y,z\n" + table(",").encode() + b"# the end\n",
    "preamble": b"Device: phone\nAndroid\n\ntime,x,y,z\n" + table(",").encode(),
    "units below the names": b"time,x,y,z\ns,g,g,g\n" + table(",").encode(),
    "byte order mark": b"\xef\xbb\xbftime,x,y,z\n" + table(",").encode(),
    "UTF-16": ("time,x,y,z\n" + table(",")).encode("utf-16"),
    "CRLF": ("time,x,y,z\n" + table(",")).replace("\n", "\r\n").encode(),
    "semicolon behind the row": b"time,x,y,z\n" + table(",").replace("\n", ";\n").encode(),
    "comma behind the rows, not the names": b"time,x,y,z\n" + table(",").replace("\n", ",\n").encode(),
    "comma behind the row": b"time,x,y,z,\n" + table(",").replace("\n", ",\n").encode(),
    "blank lines": b"time,x,y,z\n" + table(",").replace("\n", "\n\n").encode(),
    "ms": b"time_ms,x,y,z\n" + table(",", time="{:.0f}", factor=1e3).encode(),
    "ms in brackets": b"time[ms],x,y,z\n" + table(",", time="{:.0f}", factor=1e3).encode(),
    "ms, by their size": b"time,x,y,z\n" + table(",", time="{:.0f}", factor=1e3).encode(),
    "us, by their size": b"time,x,y,z\n" + table(",", time="{:.0f}", factor=1e6).encode(),
    "ns, by their size": b"time,x,y,z\n" + table(",", time="{:.0f}", factor=1e9).encode(),
    "ms since 1970": b"timestamp,x,y,z\n" + table(",", time="{:.0f}", factor=1e3, start=1.7e12).encode(),
    "us since 1970": b"timestamp,x,y,z\n" + table(",", time="{:.0f}", factor=1e6, start=1.7e15).encode(),
    "s since 1970": b"timestamp,x,y,z\n" + table(",", time="{:.2f}", start=1.7e9).encode(),
    "dates": b"time,x,y,z\n"
    + "".join(
        f"2024-05-01T12:00:{number * PACE_S:09.6f}Z,{row[0]},{row[1]},{row[2]}\n"
        for number, row in enumerate(VALUES)
    ).encode(),
    "dates with a space": b"time;x;y;z\n"
    + "".join(
        f"2024-05-01 12:00:{number * PACE_S:06.3f};{row[0]};{row[1]};{row[2]}\n"
        for number, row in enumerate(VALUES)
    ).encode(),
    "local dates": b"Datum;x;y;z;time\n"
    + "".join(
        f"a;{row[0]};{row[1]};{row[2]};31.12.2024 23:59:{58 + number * PACE_S:06.3f}\n".replace(
            ".", ","
        ).replace("31,12,", "31.12.")
        if number < 100
        else f"a;{row[0]};{row[1]};{row[2]};1.1.2025 00:00:{(number - 100) * PACE_S:06.3f}\n".replace(
            ".", ","
        ).replace("1,1,", "1.1.")
        for number, row in enumerate(VALUES)
    ).encode(),
    "mg": b"t_ms,ax_mg,ay_mg,az_mg\n" + table(",", time="{:.0f}", factor=1e3, scale=1000).encode(),
    "mg, by gravity": b"t_ms,ax,ay,az\n" + table(",", time="{:.0f}", factor=1e3, scale=1000).encode(),
    "m/s2 in brackets": "t_ms,ax (m/s²),ay (m/s²),az (m/s²)\n".encode()
    + table(",", time="{:.0f}", factor=1e3, scale=9.80665).encode(),
    "m/s2, by gravity": b"t_ms,ax,ay,az\n" + table(",", time="{:.0f}", factor=1e3, scale=9.80665).encode(),
    "counts, by gravity": b"t_ms,ax,ay,az\n" + table(",", time="{:.0f}", factor=1e3, scale=4096).encode(),
    "other columns between": b"id,time,gyro_x,acc_x,gyro_y,acc_y,gyro_z,acc_z,note\n"
    + "".join(
        f"{number},{number * PACE_S:.2f},9,{row[0]},9,{row[1]},9,{row[2]},\n"
        for number, row in enumerate(VALUES)
    ).encode(),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_samples(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "walk.csv").write_bytes(DIALECTS[name])
    done = importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], Source(to_hz=50.0))
    (item,) = dataset.load(tmp_path / "out").recordings
    assert item.measured_rate_hz == pytest.approx(50.0, rel=1e-3), done.assumed
    assert item.samples.shape == VALUES.shape, done.assumed
    assert np.abs(item.samples - VALUES * 8192).max() <= 1, done.assumed


@pytest.mark.parametrize(
    ("names", "axes"),
    [
        ("ax,ay,az,gx,gy,gz", (0, 1, 2)),
        ("gyrX,gyrY,gyrZ,accX,accY,accZ", (3, 4, 5)),
        ("x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro", (0, 1, 2)),
        ("Bx,By,Bz,ax,ay,az,T", (3, 4, 5)),
        ("userAcceleration.x,userAcceleration.y,userAcceleration.z,attitude.roll,rotationRate.x", (0, 1, 2)),
        ("lin_acc_x,lin_acc_y,lin_acc_z,acc_x,acc_y,acc_z", (3, 4, 5)),
        (
            "Linear Acceleration x (m/s^2),Linear Acceleration y (m/s^2),Linear Acceleration z (m/s^2)",
            (0, 1, 2),
        ),
        ("timestamp,X-axis,Y-axis,Z-axis", (1, 2, 3)),
        ("Accelerometer_X,Accelerometer_Y,Accelerometer_Z,Magnetometer_X", (0, 1, 2)),
        ("gravity.x,gravity.y,gravity.z,x,y,z", (3, 4, 5)),
        ("Zeit [ms],Beschl. X [m/s²],Beschl. Y [m/s²],Beschl. Z [m/s²]", (1, 2, 3)),
    ],
)
def test_accelerations_are_found_by_their_names(names: str, axes: tuple[int, ...]) -> None:
    head = heads.Head(tuple(names.split(",")), ())
    assert columns.resolve(None, head, "f").axes == axes


@pytest.mark.parametrize(
    "names", ["hand_acc_x,hand_acc_y,hand_acc_z,chest_acc_x,chest_acc_y,chest_acc_z", "a,b,c", "x,y"]
)
def test_names_that_could_be_anything_are_asked_for(names: str) -> None:
    head = heads.Head(tuple(names.split(",")), ())
    with pytest.raises(DatasetError, match=r"--columns x=NAME"):
        columns.resolve(None, head, "f")


@pytest.mark.parametrize(
    ("spec", "axes", "time"),
    [
        ("t_ms,_*2,x,y,z,...", (3, 4, 5), 0),
        ("_,x,y,z,_,t_s", (1, 2, 3), 5),
        ("x=f,y=e,z=d,t_us=a", (5, 4, 3), 0),
    ],
)
def test_columns_by_place_and_by_name(spec: str, axes: tuple[int, ...], time: int) -> None:
    head = heads.Head(tuple("abcdef"), ())
    found = columns.resolve(columns.parse(spec), head, "f")
    assert (found.axes, found.time) == (axes, time)


def test_a_units_row_and_names_are_not_samples(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Zeit;x;y;z;time\ns;m/s²;m/s²;m/s²;s\n1;2;3;4;0,5\n1;2;3;4;0,6\n1;2;3;4;0,7\n")
    read = text.read(path, "a.csv", text.Options())
    assert (read.unit, read.samples.tolist(), read.rows.tolist()) == ("m/s^2", [[2, 3, 4]] * 3, [3, 4, 5])
    assert read.stamps is not None and read.stamps.tolist() == [0.5, 0.6, 0.7]


def test_a_forwarder_tears_its_first_and_last_line(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    body = [f"{n},{n + 1},{n + 2}" for n in range(20)]
    path.write_text("\n".join(["17,1", *body[:10], "boot: ok", *body[10:], "3,"]))
    read = text.read(path, "log.txt", text.Options(is_forwarder=True, drop_rows=True))
    assert len(read.samples) == 20 and read.dropped == 1
    assert read.index is not None
    assert np.diff(read.index).tolist() == [1] * 9 + [2] + [1] * 9
    with pytest.raises(DatasetError, match=r"log\.txt row 12: 1 columns, 3 expected"):
        text.read(path, "log.txt", text.Options(is_forwarder=True))


@pytest.mark.parametrize(
    ("norm", "unit"),
    [
        (1.02, "g"),
        (9.7, "m/s^2"),
        (995.0, "mg"),
        (4150.0, "4096/g"),
        (16900.0, "16384/g"),
        (3.0, ""),
        (120.0, "128/g"),
    ],
)
def test_gravity_tells_the_unit(norm: float, unit: str) -> None:
    assert units.guess(np.array([norm])) == unit


def test_a_detected_dialect_says_what_it_is() -> None:
    found = dialect.detect(["a;b;c", "1,5;2,5;3,5", "1,5;2,5;3,5"])
    assert found.says == "semicolon, decimal comma"


def test_names_have_letters_of_any_language() -> None:
    names = ("Zeit [ms]", "Beschl. X [m/s²]", "Beschl. Y [m/s²]", "Beschl. Z [m/s²]", "Aktivität", "Proband")
    found = columns.resolve(None, heads.Head(names, ()), "f")
    assert (found.time, found.time_unit, found.unit) == (0, "ms", "m/s^2")
    assert found.words == {"label": 4, "group": 5}


def test_one_column_may_be_named_and_the_rest_goes_by_names() -> None:
    head = heads.Head(("millis", "ax", "ay", "az", "what", "subject"), ())
    found = columns.resolve(columns.parse("label=what"), head, "f")
    assert (found.axes, found.time, found.time_unit) == ((1, 2, 3), 0, "ms")
    assert found.words == {"label": 4, "group": 5}
    found = columns.resolve(columns.parse("t_s=what,group=subject"), head, "f")
    assert (found.time, found.time_unit, found.words) == (4, "s", {"group": 5})


@pytest.mark.parametrize(
    "text", ["05-Mar-2024 10:00:00.250", "5 March 2024 10:00:00,250", "05-MAR-2024, 10:00:00.25"]
)
def test_dates_with_names_of_months(text: str) -> None:
    assert units.iso_s(text) == units.iso_s("2024-03-05 10:00:00.250")


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["walk ann 1/Raw Data.csv", "walk bo 1/Raw Data.csv"], "{label} {group} {take}/Raw Data.csv"),
        (["walk_ann/acc.csv", "run_bo/acc.csv", "run_bo/meta.txt"], "{label}_{take}/acc.csv"),
        (["s1/walk/1.csv", "s1/walk/2.csv"], "{group}/{label}/{take}.csv"),
    ],
)
def test_a_pattern_is_offered_that_fits(paths: list[str], wanted: str) -> None:
    assert pattern.suggest(paths) == wanted
