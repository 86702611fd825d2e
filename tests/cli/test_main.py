"""The frame of the command line: errors of the machine are one line too."""

from __future__ import annotations

from pathlib import Path

import pytest

from midge.cli import main


def test_a_folder_that_cannot_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    code = main(["new", "wave", "--from", "gesture", "--into", "file/inside"])
    said = capsys.readouterr().err
    assert code == 1
    assert said.count("\n") == 1
    assert "file" in said
    assert "Traceback" not in said


def test_an_unforeseen_error_of_the_machine_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from midge.cli import devices

    def full(_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(devices, "run", full)
    assert main(["devices"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "/somewhere: No space left on device" in said
