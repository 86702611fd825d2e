"""Recordings: what was written reads back, and what is not whole is named by file and row."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from midge import recording
from midge.errors import DatasetError
from midge.recording import Description, Gap, Recording
from midge.take import TakeWriter, save, take_name

ABOUT = Description(
    label="circle", channels=("x", "y", "z"), rate_hz=100.0, scale=8192.0, group="ann", board="b"
)


@pytest.fixture
def take(tmp_path: Path) -> Path:
    samples = np.array([[1, -2, 3], [32767, -32768, 0], [5, 6, 7]], np.int16)
    with TakeWriter(tmp_path, "one", ABOUT) as writer:
        writer.append(samples[:2])
        writer.lose(4)
        writer.append(samples[2:])
        writer.lose(2)
        writer.lose(1)
        return writer.finish(measured_rate_hz=99.5, jitter_us=12.25)


def test_what_is_written_reads_back(take: Path) -> None:
    got = recording.load(take)
    assert got.samples.tolist() == [[1, -2, 3], [32767, -32768, 0], [5, 6, 7]]
    assert got.samples.dtype == np.int16
    assert got.gaps == (Gap(2, 4), Gap(3, 3))
    assert (got.lost, got.measured_rate_hz, got.jitter_us) == (7, 99.5, 12.25)
    assert (got.label, got.group, got.board, got.rate_hz, got.scale, got.unit) == (
        "circle",
        "ann",
        "b",
        100,
        8192,
        "g",
    )
    assert got.duration_s == pytest.approx(0.1)
    assert got.partial == ""
    assert recording.load(take.with_suffix(".json")).samples.tolist() == got.samples.tolist()


def test_the_files_are_plain(take: Path) -> None:
    assert take.read_text() == "x,y,z\n1,-2,3\n32767,-32768,0\n5,6,7\n"
    about = json.loads(take.with_suffix(".json").read_text())
    assert about["midge_recording"] == 1
    assert (about["samples"], about["lost"]) == (3, 7)
    assert about["gaps"] == [{"at": 2, "lost": 4}, {"at": 3, "lost": 3}]
    assert sorted(path.name for path in take.parent.iterdir()) == ["one.csv", "one.json"]


def test_npy_reads_as_csv_does(take: Path) -> None:
    samples = recording.load(take).samples
    np.save(take.with_suffix(".npy"), samples)
    take.unlink()
    assert recording.load(take.with_suffix(".npy")).samples.tolist() == samples.tolist()
    assert recording.load(take.with_suffix(".json")).path == take.with_suffix(".npy")


def test_a_loaded_recording_saves_as_it_was(take: Path, tmp_path: Path) -> None:
    first = recording.load(take)
    second = recording.load(save(first, tmp_path / "copy", "two"))
    assert second.samples.tolist() == first.samples.tolist()
    assert (second.gaps, second.measured_rate_hz, second.jitter_us) == (first.gaps, 99.5, 12.25)


def test_no_samples_is_a_recording(tmp_path: Path) -> None:
    with TakeWriter(tmp_path, "none", ABOUT) as writer:
        writer.lose(9)
        path = writer.finish()
    got = recording.load(path)
    assert (got.samples.shape, got.lost) == ((0, 3), 9)


def test_nothing_is_overwritten(take: Path) -> None:
    before = take.read_bytes()
    with pytest.raises(DatasetError, match="not overwritten"):
        TakeWriter(take.parent, "one", ABOUT)
    assert take.read_bytes() == before
    assert sorted(path.name for path in take.parent.iterdir()) == ["one.csv", "one.json"]


def test_two_writers_of_one_name_cannot_both_pass(tmp_path: Path) -> None:
    with TakeWriter(tmp_path, "one", ABOUT) as first:
        with pytest.raises(DatasetError, match="not overwritten"):
            TakeWriter(tmp_path, "one", ABOUT)
        first.append(np.ones((1, 3), np.int16))
        assert recording.load(first.finish()).samples.tolist() == [[1, 1, 1]]


def test_names_count_up_and_pass_over_what_is_there(tmp_path: Path) -> None:
    assert take_name(tmp_path / "absent", "circle") == "circle_001"
    (tmp_path / "circle_001.csv").touch()
    (tmp_path / "circle_002.csv.part").touch()
    (tmp_path / "circle_ann_001.json").touch()
    assert take_name(tmp_path, "circle") == "circle_003"
    assert take_name(tmp_path, "circle", "ann") == "circle_ann_002"
    assert take_name(tmp_path, "[c]") == "[c]_001"
    (tmp_path / "v1.5_ann.b_001.csv").touch()
    assert take_name(tmp_path, "v1.5", "ann.b") == "v1.5_ann.b_002"


@pytest.mark.parametrize("label", ["a/b", "a:b", "..", "a\nb", "a\\b", " a"])
def test_a_label_that_is_no_file_name_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(DatasetError, match="file name"):
        take_name(tmp_path, label)


def test_an_abandoned_take_leaves_nothing(tmp_path: Path) -> None:
    with TakeWriter(tmp_path, "one", ABOUT) as writer:
        writer.append(np.ones((5, 3), np.int16))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_files_get_their_names_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def interrupted(fd: int) -> None:
        signal.raise_signal(signal.SIGINT)
        sync(fd)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt), TakeWriter(tmp_path, "one", ABOUT) as writer:
        writer.append(np.ones((5, 3), np.int16))
        writer.finish()
    assert len(recording.load(tmp_path / "one.csv").samples) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "one.json"]


def test_an_interrupt_that_nobody_caught_keeps_what_came(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), TakeWriter(tmp_path, "one", ABOUT) as writer:
        writer.append(np.ones((5, 3), np.int16))
        raise KeyboardInterrupt
    got = recording.load(tmp_path / "one.csv")
    assert (len(got.samples), got.partial) == (5, "interrupted")


def test_many_gaps_outgrow_the_room_taken_first(tmp_path: Path) -> None:
    with TakeWriter(tmp_path, "one", ABOUT) as writer:
        for _ in range(500):
            writer.append(np.zeros((1, 3), np.int16))
            writer.lose(3)
        path = writer.finish(partial="interrupted")
    got = recording.load(path)
    assert (len(got.gaps), got.lost, len(got.samples), got.partial) == (500, 1500, 500, "interrupted")


@pytest.mark.parametrize(
    ("row", "value"), [(2, "1,2"), (3, "1,2,x"), (4, "1,2,40000"), (2, "1,2,3,4"), (3, "1.5,2,3")]
)
def test_a_bad_row_is_named(take: Path, row: int, value: str) -> None:
    lines = take.read_text().splitlines()
    lines[row - 1] = value
    take.write_text("\n".join(lines) + "\n")
    with pytest.raises(DatasetError, match=rf"one\.csv row {row}: '{value}'"):
        recording.load(take)


def test_a_cut_file_is_refused(take: Path) -> None:
    take.write_text("".join(take.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DatasetError, match=r"holds 2 samples of 3 channels, one.json says 3 of 3"):
        recording.load(take)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"midge_recording": 2}, "schema 2, this midge reads 1"),
        ({"rate_hz": 0}, "above 0"),
        ({"rate_hz": "fast"}, "wrong kind"),
        ({"gaps": [{"at": 9, "lost": 1}]}, "outside the 3 samples"),
        ({"gaps": [{"at": 1, "lost": 0}]}, "loses none"),
        ({"channels": ["x", "y"]}, "columns x,y,z"),
    ],
)
def test_a_sidecar_that_cannot_be_is_refused(take: Path, change: dict[str, object], says: str) -> None:
    beside = take.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | change))
    with pytest.raises(DatasetError, match=says):
        recording.load(take)


def test_a_missing_or_foreign_sidecar_is_named(take: Path) -> None:
    beside = take.with_suffix(".json")
    beside.write_text("{}")
    with pytest.raises(DatasetError, match="no sidecar"):
        recording.load(take)
    beside.write_text("{")
    with pytest.raises(DatasetError, match="JSON"):
        recording.load(take)
    beside.unlink()
    with pytest.raises(DatasetError, match="missing"):
        recording.load(take)


def test_pickles_are_not_loaded(take: Path) -> None:
    np.save(take.with_suffix(".npy"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DatasetError, match="npy"):
        recording.load(take.with_suffix(".npy"))


def test_samples_that_do_not_fit_the_channels_are_refused(tmp_path: Path) -> None:
    with TakeWriter(tmp_path, "one", ABOUT) as writer, pytest.raises(DatasetError, match="don't fit"):
        writer.append(np.zeros((4, 2), np.int16))


def test_the_value_in_memory_is_a_description(take: Path) -> None:
    assert isinstance(recording.load(take), Description)
    assert Recording(label="a", channels=("x",), rate_hz=1, scale=1).lost == 0
