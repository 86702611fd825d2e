"""What the emlearn backend does to the process, and without emlearn."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import numpy as np
{before}
from midge.compile import emlearn_backend, ir, votes
leaf = ir.Tree(*(np.array([], k) for k in (np.int32, float, np.int32, np.int32)), np.array([[0.0, 1.0]]))
forest = votes.lower(ir.Forest(1, 2, (leaf,)))
before = np.geterr()
try:
    emlearn_backend.code(forest)
    print(np.geterr() == before, 'emlearn' in sys.modules)
except Exception as error:
    print(type(error).__name__, error)
"""


def _run(before: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_numpy_warnings_stay_warnings() -> None:
    assert _run("") == "True True"


def test_without_emlearn_it_says_what_to_install() -> None:
    said = _run("sys.modules['emlearn'] = None")
    assert said.startswith("ToolchainMissing")
    assert "midge[train]" in said
