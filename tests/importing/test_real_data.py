"""docs/importing.md is true: its commands on public data sets print what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = os.environ.get("MIDGE_DATA")
SHOWN = re.compile(r"^\$ (midge import downloads/(\w+)\.tar\.xz .*)\n(\d+ recordings, .*)$", re.MULTILINE)
COMMANDS = SHOWN.findall((ROOT / "docs" / "importing.md").read_text(encoding="utf-8"))


def test_the_page_has_a_command_for_each_data_set() -> None:
    assert len({name for _, name, _ in COMMANDS}) == 8


@pytest.mark.check
@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="$MIDGE_DATA names no folder of real recordings")
@pytest.mark.parametrize(("command", "name", "said"), COMMANDS, ids=[into[0].split()[4] for into in COMMANDS])
def test_a_data_set_comes_in_with_one_command(command: str, name: str, said: str, tmp_path: Path) -> None:
    assert DATA is not None
    if not (Path(DATA) / f"{name}.tar.xz").is_file():
        pytest.skip(f"{name}.tar.xz is not in {DATA}")
    (tmp_path / "downloads").symlink_to(DATA)
    words = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "midge", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == said
