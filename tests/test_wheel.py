"""The built wheel works outside the checkout: new, build and board start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTALLED_SITE = next(path for path in map(Path, sys.path) if path.name == "site-packages")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def _environment(wheel: Path, folder: Path, *, whole: bool) -> Path:
    """A new virtual environment with the wheel in it; returns its Python.

    The dependencies are installed again (`whole`), or seen through a .pth line, which is quick and hides
    nothing of the wheel: a .pth of a folder named in a .pth is not read, so the checkout stays out of sight.
    """
    venv.create(folder, with_pip=whole)
    python = folder / "bin" / "python"
    if whole:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock")], check=True)
        subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    else:
        site = next((folder / "lib").glob("python*/site-packages"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        (site / "dependencies.pth").write_text(f"{INSTALLED_SITE}\n")
    return python


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.check)])
def test_new_build_and_board_start_from_the_wheel(wheel: Path, tmp_path: Path, *, whole: bool) -> None:
    python = _environment(wheel, tmp_path / "env", whole=whole)
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}

    def midge(*words: str) -> str:
        done = subprocess.run(
            [str(python), "-m", "midge", *words],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [str(python), "-c", "import midge, midge_device; print(midge.__file__, midge_device.__file__)"],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(ROOT) not in where

    midge("new", "wave", "--from", "gesture")
    assert (work / "wave" / "app.toml").is_file()
    midge("build", "gesture", "--target", "armv6m", "--out", "gesture.mpy")
    assert (work / "gesture.mpy").read_bytes()[:1] == b"M"

    with subprocess.Popen(
        [str(python), "-m", "midge", "board", "start", "--json"],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as board:
        assert board.stdout is not None
        tty = json.loads(board.stdout.readline())["tty"]
        said = subprocess.run(
            [str(python), "-m", "mpremote", "connect", tty, "exec", "print(6 * 7)"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        board.send_signal(signal.SIGINT)
        board.wait()
    assert said.stdout.strip() == "42", said.stderr


def test_the_wheel_brings_what_points_bleak_to_the_ether(wheel: Path) -> None:
    """A .pth beside the packages: MIDGE_BLE=virtual works in programs that never import midge."""
    with zipfile.ZipFile(wheel) as archive:
        assert b"midge.virtual.ble.startup" in archive.read("midge_ble.pth")
