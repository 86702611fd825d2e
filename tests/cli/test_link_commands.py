"""The commands that talk to a board: exit codes, one JSON object, one line for an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midge import cli
from midge_device.wire import message as wire

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def record(capsys: Capture, into: Path, *more: str) -> tuple[int, str, str]:
    return run(
        capsys,
        *("record", "gesture", "--device", "loop:scripted", "--label", "circle", "--no-countdown"),
        *("--into", str(into), *more),
    )


def test_record_tells_what_it_recorded(scripted: Any, capsys: Capture, tmp_path: Path) -> None:
    scripted.overruns = {5, 6, 7}
    code, out, _ = record(capsys, tmp_path, "--takes", "2", "--seconds", "1", "--json")
    takes = json.loads(out)["takes"]
    assert code == 0
    assert [take["samples"] for take in takes] == [97, 97]
    assert takes[0]["gaps"] == [{"at": 5, "lost": 3}]
    assert [Path(take["path"]).name for take in takes] == ["circle_001.csv", "circle_002.csv"]
    assert not scripted.is_open


def test_record_for_people(scripted: Any, capsys: Capture, tmp_path: Path) -> None:
    code, out, _ = record(capsys, tmp_path, "--seconds", "2")
    assert code == 0
    assert "200 samples, 100.00 Hz" in out
    assert "none lost" in out


def test_a_wrong_label_is_one_line(scripted: Any, capsys: Capture, tmp_path: Path) -> None:
    code, out, err = run(
        capsys, "record", "gesture", "--device", "loop:scripted", "--label", "cirkle", "--into", str(tmp_path)
    )
    assert (code, out) == (1, "")
    assert err.startswith("midge: 'cirkle' is no label")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("wrong", [("--takes", "0"), ("--seconds", "-1"), ("--seconds", "nan")])
def test_wrong_usage_is_2(capsys: Capture, tmp_path: Path, wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as caught:
        record(capsys, tmp_path, *wrong)
    assert caught.value.code == 2


def test_no_such_board_is_one_line(capsys: Capture, tmp_path: Path) -> None:
    for arguments in (
        ("monitor", "loop:nobody"),
        ("push", "gesture", "/dev/ttyACM99"),
        ("flash", "gesture", "/dev/ttyACM99"),
        ("devices", "nonsense"),
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out, len(err.splitlines())) == (1, "", 1), arguments


def test_monitor_prints_json_lines(scripted: Any, capsys: Capture) -> None:
    scripted.welcome["model"] = {"name": "gesture", "digest": "ab", "labels": ["circle", "other"]}
    told = iter((False, True))
    deliver = scripted.produce

    def with_an_event(timeout_s: float) -> bytes:
        if next(told, False):
            scripted.say(wire.EVENT, 1500, 0, 29490, 7)
            scripted.say(wire.SCORES, 1500, 7, 0, tail=np.array([29490, 3277], "<i2").tobytes())
        return bytes(deliver(timeout_s))

    scripted.produce = with_an_event
    code, out, err = run(capsys, "monitor", "loop:scripted", "--seconds", "0.05", "--scores", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {"event", "scores", "status"} <= {line["kind"] for line in lines}
    assert next(line for line in lines if line["kind"] == "event")["label"] == "circle"
    assert "model gesture ab" in err


def test_devices_asks_who_is_named(scripted: Any, capsys: Capture) -> None:
    code, out, _ = run(capsys, "devices", "loop:scripted", "--json")
    (device,) = json.loads(out)["devices"]
    assert code == 0
    assert (device["state"], device["board"], device["target"]) == ("midge", "scripted", "armv6m")
    code, out, _ = run(capsys, "devices", "loop:scripted")
    assert "scripted, app gesture, no model" in out
