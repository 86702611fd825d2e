"""Import of gyroscopes: which columns, in which unit, and back out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from midge import cli, dataset, exporting, storing
from midge.augment import rotation
from midge.curate import takes
from midge.errors import DatasetError
from midge.features import GYRO_CHANNELS, MOTION_CHANNELS
from midge.importing import Source, columns, gyro, import_files
from midge.recording import Description, Gap

SIX = (*MOTION_CHANNELS, *GYRO_CHANNELS)
RATE_HZ = 50.0


def handled(seconds: float = 12.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A thing in a hand: acceleration in g (gravity, forces, noise) and its turning in rad/s."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE_HZ)
    times_s = np.arange(n) / RATE_HZ
    rate, phase, most = rng.uniform(0.1, 0.6, 3), rng.uniform(0, 6, 3), rng.uniform(0.3, 1.2, 3)
    turning = most * np.sin(2 * np.pi * rate * times_s[:, None] + phase)
    down = np.empty((n, 3))
    down[0] = [0.0, 0.0, 1.0]
    for at in range(1, n):
        down[at] = rotation(-turning[at - 1] / RATE_HZ) @ down[at - 1]
    forces = 0.3 * np.sin(2 * np.pi * 2.1 * times_s)[:, None] * rng.normal(0, 1, 3)
    return down + forces + rng.normal(0, 0.02, (n, 3)), turning + rng.normal(0, 0.01, (n, 3))


def write_csv(path: Path, header: str, acceleration: np.ndarray, turning: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    times_ms = np.arange(len(acceleration)) * 1000 / RATE_HZ
    rows = np.column_stack([times_ms, acceleration, turning])
    text = "\n".join([header, *(",".join(f"{value:.6g}" for value in row) for row in rows)])
    path.write_text(text + "\n", encoding="utf-8")
    return path


NAMED = "timestamp,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"


@pytest.mark.parametrize(
    ("header", "per_rad"),
    [
        (NAMED, 1.0),
        (NAMED, np.degrees(1.0)),
        (NAMED, 1000 * np.degrees(1.0)),
        ("t_ms,ax,ay,az,gx (deg/s),gy (deg/s),gz (deg/s)", np.degrees(1.0)),
        ("time,AccX,AccY,AccZ,wx,wy,wz", 1.0),
        ("time,accX,accY,accZ,gyrX,gyrY,gyrZ", np.degrees(1.0)),
        ("time,wrist_acc_x,wrist_acc_y,wrist_acc_z,wrist_gyro_x,wrist_gyro_y,wrist_gyro_z", 1.0),
    ],
)
def test_a_gyroscope_comes_in_by_itself(header: str, per_rad: float, tmp_path: Path) -> None:
    acceleration, turning = handled()
    write_csv(tmp_path / "in" / "wave.csv", header, acceleration, per_rad * turning)
    import_files(tmp_path / "in", tmp_path / "set", ["{label}.csv"], Source(to_hz=RATE_HZ))
    (item,) = dataset.load(tmp_path / "set").recordings
    assert item.channels == SIX and item.gyro_scale == 32.768
    wanted = np.degrees(turning) * 32.768
    assert np.abs(item.samples[:, 3:] - wanted).max() <= 1 + 1e-4 * np.abs(wanted).max()
    assert np.abs(item.samples[:, :3] - 8192 * acceleration).max() <= 1


def test_columns_by_place_and_a_unit_that_is_said(tmp_path: Path) -> None:
    acceleration, turning = handled()
    table = np.column_stack([acceleration, 16.4 * np.degrees(turning)])
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "wave.npy", table)
    spec = columns.parse("x,y,z,gx,gy,gz")
    how = Source(columns=spec, unit="g", gyro_unit="16.4/dps", rate_hz=RATE_HZ, range_dps=500.0)
    import_files(tmp_path / "in", tmp_path / "set", ["{label}.npy"], how)
    (item,) = dataset.load(tmp_path / "set").recordings
    assert item.gyro_scale == 65.536
    assert np.abs(item.samples[:, 3:] - 65.536 * np.degrees(turning)).max() <= 1


@pytest.mark.parametrize(("said", "per_rad"), [("deg/s", 1.0), ("rad/s", np.degrees(1.0))])
def test_a_wrong_unit_is_held_against_gravity(said: str, per_rad: float, tmp_path: Path) -> None:
    acceleration, turning = handled()
    path = write_csv(tmp_path / "in" / "wave.csv", NAMED, acceleration, per_rad * turning)
    with pytest.raises(DatasetError, match=f"in {said} it turns .*give --gyro-unit|trust-unit"):
        import_files(path.parent, tmp_path / "set", ["{label}.csv"], Source(to_hz=50.0, gyro_unit=said))
    assert not list((tmp_path / "set").glob("*.csv"))
    trusted = Source(to_hz=50.0, gyro_unit=said, trust_unit=True)
    assert import_files(path.parent, tmp_path / "set", ["{label}.csv"], trusted).recordings == 1


def test_a_gyroscope_of_no_known_unit_is_left_out_and_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    still = np.array([0, 0, 1]) + rng.normal(0, 0.02, (600, 3))
    path = write_csv(tmp_path / "in" / "fan.csv", NAMED, still, rng.normal(0, 0.01, (600, 3)))
    done = import_files(path.parent, tmp_path / "set", ["{label}.csv"], Source(to_hz=50.0))
    assert any("gyroscope left out" in text for text in done.assumed)
    assert dataset.load(tmp_path / "set").recordings[0].channels == MOTION_CHANNELS
    how = Source(to_hz=50.0, gyro_unit="rad/s")
    import_files(path.parent, tmp_path / "asked", ["{label}.csv"], how)
    assert dataset.load(tmp_path / "asked").recordings[0].channels == SIX


def test_a_gyroscope_can_be_left_out(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "in" / "wave.csv", NAMED, *handled())
    import_files(path.parent, tmp_path / "set", ["{label}.csv"], Source(to_hz=50.0, gyro_unit=gyro.NONE))
    assert dataset.load(tmp_path / "set").recordings[0].channels == MOTION_CHANNELS


def test_what_is_no_gyroscope_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="name all three"):
        columns.parse("x,y,z,gx,gy")
    with pytest.raises(DatasetError, match="--gyro-unit 'turns/s' is not"):
        Source(gyro_unit="turns/s").check()
    with pytest.raises(DatasetError, match="--gyro-range"):
        Source(range_dps=0.0).check()
    acceleration, _ = handled()
    path = tmp_path / "in" / "wave.csv"
    path.parent.mkdir()
    np.savetxt(path, acceleration, delimiter=",", header="x,y,z", comments="")
    with pytest.raises(DatasetError, match="no columns of a gyroscope"):
        how = Source(unit="g", rate_hz=50.0, needs_gyro=True)
        import_files(path.parent, tmp_path / "set", ["{label}.csv"], how)


@pytest.mark.parametrize("form", sorted(exporting.FORMATS))
def test_a_gyroscope_goes_out_and_comes_back(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    acceleration, turning = handled()
    about = Description(
        label="wave", channels=SIX, rate_hz=RATE_HZ, scale=8192.0, gyro_scale=16.384, group="ann"
    )
    samples = np.rint(np.column_stack([8192 * acceleration, 16.384 * np.degrees(turning)])).astype(np.int16)
    storing.write(folder, "wave_001", about, samples, (Gap(100, 7),))
    done = exporting.export(list(takes.choose(folder)), tmp_path / "out", form, exporting.Options())
    words = ["import", str(tmp_path / "out"), "--into", str(tmp_path / "back"), *done.import_again]
    assert cli.main(words) == 0
    parts = sorted(dataset.load(tmp_path / "back").recordings, key=lambda item: str(item.path))
    assert np.array_equal(np.concatenate([item.samples for item in parts]), samples)
    assert {(item.channels, item.gyro_scale) for item in parts} == {(SIX, 16.384)}
