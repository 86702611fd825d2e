"""Which MicroPython is taken, and where a missing one comes from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from midge.errors import MidgeError
from midge.virtual import debian, interpreter


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any interpreter; returns an empty folder that is all of PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.delenv(interpreter.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def pretend(path: Path, answer: str) -> Path:
    """A program that answers the probe as some interpreter would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def test_nothing_there(bare: Path) -> None:
    assert interpreter.find() is None


def test_search_order(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = pretend(tmp_path / "private", "1.25.0 2822")
    interpreter.cache_folder().mkdir(parents=True)
    interpreter._record((str(private),))
    found = interpreter.find()
    assert found is not None and found.path == str(private) and found.version == (1, 25, 0)
    on_path = pretend(bare / "micropython", "1.24.1 2822")
    found = interpreter.find()
    assert found is not None and found.path == str(on_path)
    named = pretend(tmp_path / "named", "1.23.0 2822")
    monkeypatch.setenv(interpreter.VARIABLE, str(named))
    found = interpreter.find()
    assert found is not None and found.path == str(named)


@pytest.mark.parametrize("answer", ["1.22.2 2822", "1.25.0 6", "3.11.2", ""])
def test_one_that_is_old_or_loads_no_native_code_is_passed_over(bare: Path, answer: str) -> None:
    pretend(bare / "micropython", answer)
    assert interpreter.find() is None


def test_a_named_one_is_never_passed_over_in_silence(
    bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(interpreter.VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(MidgeError, match="correct it or unset it"):
        interpreter.find()


def test_what_to_do_on_a_mac(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter.sys, "platform", "darwin")
    with pytest.raises(MidgeError, match="brew install micropython"):
        interpreter.ensure()


def test_what_to_do_without_apt(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter.sys, "platform", "linux")
    with pytest.raises(MidgeError, match=r"\$MIDGE_MICROPYTHON"):
        interpreter.ensure()


def test_the_mirror_is_the_machines_own(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "a.list").write_text("deb https://elsewhere.invalid/apt stable main\n")
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\nURIs: http://mirror.invalid/debian http://second.invalid/debian\n"
        "Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/k.gpg\n\n"
        "Types: deb\nURIs: http://mirror.invalid/debian-security\nSuites: bookworm-security\n"
    )
    assert debian.debian_source(tmp_path) == ("http://mirror.invalid/debian", "/usr/share/keyrings/k.gpg")


def test_the_mirror_in_an_old_list(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(
        "# deb http://no.invalid/debian x main\n"
        "deb [arch=amd64 signed-by=/k.gpg] https://mirror.invalid/debian/ bookworm main\n"
    )
    assert debian.debian_source(tmp_path) == ("https://mirror.invalid/debian/", "/k.gpg")


def test_a_machine_that_is_no_debian(tmp_path: Path) -> None:
    with pytest.raises(MidgeError, match="no Debian mirror"):
        debian.debian_source(tmp_path)


@pytest.mark.check
@pytest.mark.skipif(not Path("/etc/apt/sources.list.d").is_dir(), reason="needs apt")
def test_fetch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the machine's own apt, into an empty cache."""
    monkeypatch.delenv(interpreter.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(interpreter.shutil, "which", lambda _: None)
    assert interpreter.find() is None
    monkeypatch.undo()
    command = debian.fetch(tmp_path / "midge" / "micropython")
    found = interpreter.probe(command)
    assert found is not None and found.version >= interpreter.OLDEST and os.access(found.path, os.X_OK)
