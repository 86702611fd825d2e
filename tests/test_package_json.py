"""package.json: the official installer puts the whole device library on a board."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from midge import assets
from midge.mpremote_link import RawRepl
from midge.virtual import VirtualBoard
from midge_device import versions

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "package.json"


def wanted() -> dict[str, object]:
    library = assets.device_library()
    files = sorted(path.relative_to(library).as_posix() for path in library.rglob("*.py"))
    return {
        "urls": [[f"midge_device/{name}", f"firmware/midge_device/{name}"] for name in files],
        "deps": [],
        "version": versions.LIBRARY,
    }


def text() -> str:
    """What the file must hold: python tests/test_package_json.py > package.json"""
    return json.dumps(wanted(), indent=1) + "\n"


def test_it_names_every_file() -> None:
    assert PACKAGE.read_text() == text(), "run: python tests/test_package_json.py > package.json"


def test_mpremote_installs_it_and_it_imports() -> None:
    with VirtualBoard() as board:
        done = subprocess.run(
            [Path(sys.executable).with_name("mpremote"), "connect", board.tty, "mip", "install", PACKAGE],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (board.folder / "midge").mkdir()
        (board.folder / "midge" / "config.json").write_text('{"board": "virtual", "app": "x"}')
        with RawRepl(board.tty) as repl:
            said = repl.run(
                "from midge_device.pipeline import Pipeline\nprint(b'protocol' in Pipeline().welcome())"
            )
        assert said.strip() == "True"


if __name__ == "__main__":
    print(text(), end="")
