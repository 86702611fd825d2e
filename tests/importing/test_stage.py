"""Import: patterns, columns, units, resampling, gaps; a bad file names its row, and nothing comes in."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from midge import dataset, importing, journal, resampling
from midge.errors import DatasetError
from midge.importing import Pattern, Source, columns

TIMED = Source(columns=columns.parse("t_ms,x,y,z"), unit="g", to_hz=50.0)


def rows(times_ms: list[int], header: str = "") -> str:
    lines = [f"{t},{0.5},{-0.25},{1.0}" for t in times_ms]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{label}_{group}_{take}.wav", "yes_ann_3.wav", {"label": "yes", "group": "ann", "take": "3"}),
        ("{group}/{label}/{take}.txt", "U01/07/01.txt", {"group": "U01", "label": "07", "take": "01"}),
        ("_silence_/{take}.wav=quiet", "_silence_/0.wav", {"take": "0", "label": "quiet"}),
        (
            "x/{_}_{group}_n_{take}.wav.wav=o",
            "x/cat_ab_n_1.wav.wav",
            {"group": "ab", "take": "1", "label": "o"},
        ),
        ("{group}/{group}_{take}.csv", "s1/s1_2.csv", {"group": "s1", "take": "2"}),
        ("{group}/{group}_{take}.csv", "s1/s2_2.csv", None),
        ("{label}.csv", "a/b.csv", None),
        ("{label}/ü{take}.csv", "Stu\u0308ck/u\u03081.csv", {"label": "Stück", "take": "1"}),
        ("{label}.csv", "bxcsv", None),
    ],
)
def test_patterns(pattern: str, path: str, fields: dict[str, str] | None) -> None:
    assert Pattern.parse(pattern).match(path) == fields


@pytest.mark.parametrize(("text", "says"), [("{lable}/{take}", "lable"), ("{label}.csv=x", "keep one")])
def test_wrong_patterns_are_told(text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        Pattern.parse(text)


@pytest.mark.parametrize("text", ["x,y", "x,y,z,q", "x,y,z,x", "t_s,t_ms,x,y,z"])
def test_wrong_columns_are_told(text: str) -> None:
    with pytest.raises(DatasetError, match="--columns"):
        columns.parse(text)


def test_files_become_recordings_with_units_rates_and_groups(tmp_path: Path) -> None:
    source = tmp_path / "in" / "ann"
    source.mkdir(parents=True)
    (source / "walk.csv").write_text(rows(list(range(0, 2000, 10)), header="time,ax,ay,az"))
    how = Source(columns=TIMED.columns, unit="m/s^2", to_hz=50.0)
    how = replace(how, trust_unit=True)
    done = importing.import_files(tmp_path / "in", tmp_path / "out", ["{group}/{label}.csv"], how)
    assert (done.labels, done.groups, done.gaps, done.clipped) == ({"walk": 1}, {"ann": 1}, 0, 0)
    (item,) = dataset.load(tmp_path / "out").recordings
    assert (item.rate_hz, item.scale, item.unit) == (50.0, 8192.0, "g")
    assert item.measured_rate_hz == pytest.approx(100.0)
    assert len(item.samples) == 100
    expected = np.rint(np.array([0.5, -0.25, 1.0]) / 9.80665 * 8192)
    assert np.abs(item.samples - expected).max() <= 1


def test_a_pause_is_a_marked_gap(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    times = [*range(0, 1000, 20), *range(3000, 4000, 20)]
    (tmp_path / "in" / "a.csv").write_text(rows(times))
    importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED)
    (item,) = dataset.load(tmp_path / "out").recordings
    assert len(item.samples) == 100
    assert [(gap.at, gap.lost) for gap in item.gaps] == [(50, 100)]


def test_a_label_column_parts_the_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    text = "".join(f"0,0,1,{n * 10},{'sit' if n < 60 else 'walk'}\n" for n in range(150))
    (tmp_path / "in" / "s1.csv").write_text(text)
    how = Source(columns=columns.parse("x,y,z,t_ms,label"), to_hz=100.0)
    importing.import_files(tmp_path / "in", tmp_path / "out", ["{group}.csv"], how)
    items = dataset.load(tmp_path / "out").recordings
    assert [(item.label, item.group, len(item.samples)) for item in items] == [
        ("sit", "s1", 60),
        ("walk", "s1", 90),
    ]


def test_npy_counts_without_time(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "1_squat.npy", np.full((40, 3), [0, 0, 16384], np.int16))
    how = Source(unit="16384/g", rate_hz=100.0)
    importing.import_files(tmp_path / "in", tmp_path / "out", ["{take}_{label}.npy"], how)
    (item,) = dataset.load(tmp_path / "out").recordings
    assert item.samples.tolist() == [[0, 0, 8192]] * 40


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("0,1,2,3\n10,1,x,3\n", r"b\.csv row 2: 'x' is not a number"),
        ("0,1,2,3\n10,1,2\n", r"b\.csv row 2: 3 columns, 4 expected"),
        ("t,x,y,z\n10,1,2,3\n5,1,2,3\n", r"b\.csv row 3: time goes back"),
        ("0,1,2,3\n10,nan,2,3\n", r"b\.csv row 2: a value is missing"),
        ("t,x,y,z\n", r"b\.csv: holds no samples"),
        ("5,1,2,3\n5,1,2,3\n", r"b\.csv row 1: 2 samples at one time"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_imported(tmp_path: Path, bad: str, says: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(rows(list(range(0, 1000, 20))))
    (tmp_path / "in" / "b.csv").write_text(bad)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DatasetError, match=says):
        importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED)
    assert sorted(tmp_path.rglob("*")) == before
    done = importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED, skip_bad=True)
    assert done.labels == {"a": 1} and list(done.skipped) == ["b.csv"]


def test_a_second_import_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(rows(list(range(0, 1000, 20))))
    importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED)
    with pytest.raises(DatasetError, match="already"):
        importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED)
    assert len(list((tmp_path / "out").glob("a.*"))) == 2


def test_a_path_without_a_pattern_is_an_error_unless_skipped(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(rows(list(range(0, 1000, 20))))
    (tmp_path / "in" / "readme.txt").write_text("hello")
    with pytest.raises(DatasetError, match=r"readme\.txt fits no --pattern"):
        importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED)
    done = importing.import_files(
        tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED, skip_unmatched=True
    )
    assert list(done.skipped) == ["readme.txt"]


def test_resampling_keeps_slow_motion_and_takes_out_what_would_alias() -> None:
    time_s = np.arange(0, 10, 1 / 200)
    slow, fast = np.sin(2 * np.pi * 2 * time_s), np.sin(2 * np.pi * 85 * time_s)
    even = resampling.resample(time_s, np.stack([slow, fast, slow + fast], axis=1), 50.0)
    wanted = np.sin(2 * np.pi * 2 * np.arange(len(even.samples)) / 50)
    inside = slice(20, -20)
    assert len(even.samples) == 500 and not even.gaps
    assert np.abs(even.samples[inside, 0] - wanted[inside]).max() < 0.03
    assert np.abs(even.samples[inside, 1]).max() < 0.05
    assert np.abs(even.samples[inside, 2] - wanted[inside]).max() < 0.06


def test_jittered_stamps_give_an_even_rate() -> None:
    rng = np.random.default_rng(1)
    time_s = np.arange(0, 20, 0.01) + rng.uniform(-0.004, 0.004, 2000)
    even = resampling.resample(time_s, np.sin(2 * np.pi * time_s)[:, None], 100.0)
    at = time_s[0] + np.arange(len(even.samples)) / 100
    assert np.abs(even.samples[:, 0] - np.sin(2 * np.pi * at)).max() < 0.01
    assert even.source_hz == pytest.approx(100.0, rel=0.001) and even.jitter_us > 1000


def test_samples_that_have_the_rate_stay_as_they_are() -> None:
    # Stamps rounded to ms: 200.001 Hz, so that the grid of 200 Hz falls between them after a while.
    time_s = np.floor(np.arange(60_000) / 200.001 * 1000 + 0.9) / 1000
    loud = np.random.default_rng(2).normal(size=(60_000, 3))
    even = resampling.resample(time_s, loud, 200.0)
    assert np.array_equal(even.samples, loud)
    assert even.source_hz == pytest.approx(200.001, rel=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        *(Source(rate_hz=value) for value in (0.0, -1.0, float("nan"), float("inf"), 1e12)),
        *(Source(rate_hz=100.0, to_hz=value) for value in (0.0, -1.0, float("nan"), float("inf"), 1e-9)),
        *(Source(rate_hz=100.0, range_g=value) for value in (0.0, -1.0, float("nan"), float("inf"))),
    ],
)
def test_rates_and_ranges_that_nothing_has_are_told(tmp_path: Path, wrong: Source) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a.csv").write_text("x,y,z\n1,2,3\n1,2,3\n")
    with pytest.raises(DatasetError, match=r"--(rate|resample|range) .* must be"):
        importing.import_files(tmp_path / "from", tmp_path / "into", ["{label}.csv"], wrong)
    assert not (tmp_path / "into").exists()


def test_stamps_years_apart_and_a_dataset_that_is_a_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    source = tmp_path / "from" / "a.csv"
    source.write_text("t_ms,x,y,z\n0,1,1,1\n10000000000000000,1,1,1\n")
    with pytest.raises(DatasetError, match=r"a\.csv"):
        importing.import_files(tmp_path / "from", tmp_path / "into", ["{label}.csv"], TIMED)
    source.write_text(rows([0, 20, 40]))
    (tmp_path / "file").write_text("")
    for into in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DatasetError, match="choose another --into"):
            importing.import_files(tmp_path / "from", into, ["{label}.csv"], TIMED)


@pytest.mark.parametrize(
    ("unit", "range_g", "doubt"),
    [("g", 4.0, "--unit"), ("mg", 4.0, "--unit"), ("m/s^2", 4.0, ""), ("m/s^2", 1.0, "--range")],
)
def test_a_unit_or_range_that_can_hardly_be_is_doubted(
    tmp_path: Path, unit: str, range_g: float, doubt: str
) -> None:
    (tmp_path / "in").mkdir()
    # Lying still, but for a shove now and then, in m/s^2.
    resting = [f"{t},0,0,{15.0 if t % 200 == 0 else 9.81}" for t in range(0, 2000, 10)]
    (tmp_path / "in" / "rest.csv").write_text("\n".join(["t,x,y,z", *resting]) + "\n")
    how = replace(TIMED, unit=unit, range_g=range_g)
    if unit != "m/s^2":
        with pytest.raises(DatasetError, match=r"rest\.csv row 2: .* give --unit m/s\^2"):
            importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], how)
        assert not (tmp_path / "out").exists()
        how = replace(how, trust_unit=True)
    how = replace(how, group="ann")
    done = importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], how)
    assert len(done.warnings) == bool(doubt)
    assert all(doubt in warning for warning in done.warnings)


def test_a_stamp_that_is_wrong_and_time_that_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    times = [*range(0, 1000, 20), *range(0, 600, 20)]
    times[10] = 0
    (tmp_path / "in" / "a.csv").write_text(rows(times))
    with pytest.raises(DatasetError, match=r"row 11: time goes back from 180 to 0"):
        importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], TIMED)
    how = replace(TIMED, drop_rows=True)
    done = importing.import_files(tmp_path / "in", tmp_path / "out", ["{label}.csv"], how)
    assert any("1 rows left out, the first: row 11" in warning for warning in done.warnings)
    items = dataset.load(tmp_path / "out").recordings
    assert [(len(item.samples), [(gap.at, gap.lost) for gap in item.gaps]) for item in items] == [
        (49, [(10, 1)]),
        (30, []),
    ]


def test_labels_from_intervals_and_what_is_between(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(rows(list(range(0, 4000, 20))))
    labels = tmp_path / "labels.csv"
    labels.write_text("file;start;end;label;group\na.csv;1;2;walk;ann\na.csv;3;3.5;run;ann\n")
    how = replace(TIMED, intervals=importing.intervals.read(labels))
    importing.import_files(tmp_path / "in", tmp_path / "out", [], how)
    items = dataset.load(tmp_path / "out").recordings
    assert [(item.label, item.group, len(item.samples)) for item in items] == [
        ("walk", "ann", 50),
        ("run", "ann", 25),
    ]
    importing.import_files(tmp_path / "in", tmp_path / "all", [], replace(how, label="other"))
    items = dataset.load(tmp_path / "all").recordings
    assert [item.label for item in items] == ["other", "walk", "other", "run", "other"]
    assert sum(len(item.samples) for item in items) == 200


@pytest.mark.parametrize("form", ["csv", "json"])
def test_labels_of_label_studio(form: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(rows(list(range(0, 4000, 20)), header="time,x,y,z"))
    marks = [
        {"start": 500, "end": 1500, "instant": False, "timeserieslabels": ["walk"]},
        {"start": 2000, "end": 2500, "instant": False, "timeserieslabels": ["run"]},
    ]
    labels = tmp_path / f"labels.{form}"
    url = "/data/upload/3/f085fe84-a.csv"
    if form == "json":
        result = [{"value": mark, "type": "timeserieslabels"} for mark in marks]
        labels.write_text(json.dumps([{"id": 1, "data": {"csv": url}, "annotations": [{"result": result}]}]))
    else:
        cell = json.dumps(marks).replace('"', '""')
        labels.write_text(f'annotation_id,annotator,id,timeseriesUrl,label\n1,1,9,{url},"{cell}"\n')
    how = replace(TIMED, columns=None, intervals=importing.intervals.read(labels))
    importing.import_files(tmp_path / "in", tmp_path / "out", [], how)
    items = dataset.load(tmp_path / "out").recordings
    assert [(item.label, len(item.samples)) for item in items] == [("walk", 50), ("run", 25)]


def test_an_import_is_one_change_that_can_be_undone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(rows(list(range(0, 1000, 20))))
    out = tmp_path / "out"
    importing.import_files(tmp_path / "in", out, ["{label}.csv"], TIMED)
    (tmp_path / "in" / "a.csv").rename(tmp_path / "in" / "b.csv")
    importing.import_files(tmp_path / "in", out, ["{label}.csv"], TIMED)
    assert dataset.load(out).labels == ("a", "b")
    journal.undo(out)
    assert dataset.load(out).labels == ("a",)


@pytest.mark.parametrize(("rate_hz", "block"), [(100.0, 2), (100.0, 16), (52.0, 25), (50.0, 50), (26.0, 26)])
@pytest.mark.parametrize("n", [500, 1010])
def test_blocks_that_share_a_stamp_have_the_pace_of_their_samples(rate_hz: float, block: int, n: int) -> None:
    time_s = np.arange(n) // block * block / rate_hz
    assert resampling.usual_hz(time_s) == pytest.approx(rate_hz, rel=0.01)
    samples = np.sin(np.arange(n) / 9)[:, None]
    even = resampling.resample(time_s, samples, rate_hz)
    assert even.gaps == () and abs(len(even.samples) - n) <= block
    kept = np.delete(np.arange(n), np.arange(6 * block, 9 * block))
    assert len(resampling.resample(time_s[kept], samples[kept], rate_hz).gaps) == (3 * block > 6)


def test_late_bursts_are_an_even_pace_and_a_loss_is_a_gap() -> None:
    rng = np.random.default_rng(4)
    taken_s = np.arange(3000) / 100
    # Handed over every 70 ms or so, all at once.
    hand_over_s = np.cumsum(rng.uniform(0.05, 0.09, 800))
    stamps = np.round(hand_over_s[np.searchsorted(hand_over_s, taken_s)], 3)
    wave = np.sin(2 * np.pi * 3 * taken_s)[:, None]
    even = resampling.resample(stamps, wave, 100.0)
    assert not even.gaps and even.source_hz == pytest.approx(100, rel=0.01)
    assert np.array_equal(even.samples, wave)
    lost = np.delete(np.arange(3000), slice(1000, 1400))
    even = resampling.resample(taken_s[lost], wave[lost], 100.0)
    assert [(gap.at, gap.lost) for gap in even.gaps] == [(1000, 400)]


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(200.0, 50.0), (104.3, 100.0), (44100.0, 16000.0), (9.4, 10.0), (1600.0, 9.0)]
)
def test_a_change_of_rate_keeps_what_fits_and_nothing_else(from_hz: float, to_hz: float) -> None:
    n = int(from_hz * max(10, 60 / to_hz))
    low = 0.3 * min(from_hz, to_hz)
    time_s = np.arange(n) / from_hz
    kept = resampling.change_rate(np.sin(2 * np.pi * low * time_s)[:, None], from_hz, to_hz)[:, 0]
    inside = slice(len(kept) // 4, -len(kept) // 4)
    wanted = np.sin(2 * np.pi * low * np.arange(len(kept)) / to_hz)
    assert np.abs(kept - wanted)[inside].max() < 2e-3
    if from_hz > 2 * to_hz:
        high = 0.75 * to_hz
        gone = resampling.change_rate(np.sin(2 * np.pi * high * time_s)[:, None], from_hz, to_hz)[:, 0]
        assert np.abs(gone[inside]).max() < 1e-3


def test_a_dataset_comes_in_again_at_another_rate(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    times = [*range(0, 1000, 20), *range(3000, 4000, 20)]
    (tmp_path / "in" / "a.csv").write_text(rows(times))
    importing.import_files(tmp_path / "in", tmp_path / "old", ["{label}.csv"], replace(TIMED, group="ann"))
    how = Source(to_hz=25.0, range_g=8.0)
    importing.import_files(tmp_path / "old", tmp_path / "new", [], how)
    (item,) = dataset.load(tmp_path / "new").recordings
    assert (item.label, item.group, item.rate_hz, item.scale) == ("a", "ann", 25.0, 4096.0)
    assert [(gap.at, gap.lost) for gap in item.gaps] == [(25, 50)] and len(item.samples) == 50
    assert np.abs(item.samples - np.array([0.5, -0.25, 1.0]) * 4096).max() <= 1


def test_an_archive_is_unpacked_and_its_outer_folder_names_nothing(tmp_path: Path) -> None:
    packed = tmp_path / "data.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for name in ("ann", "bo"):
            file.writestr(f"set-1.0/{name}/walk.csv", rows(list(range(0, 1000, 20))))
        file.writestr("set-1.0/README.md", "hello")
    importing.import_files(packed, tmp_path / "out", ["{_}/{group}/{label}.csv"], TIMED, skip_unmatched=True)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == ["ann_walk.csv", "bo_walk.csv"]
    packed.write_bytes(packed.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"data\.zip: not a whole archive"):
        importing.import_files(packed, tmp_path / "out", ["{_}/{group}/{label}.csv"], TIMED)
