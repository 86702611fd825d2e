"""The frozen vectors in a real MicroPython: Python's COBS and the native one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from midge import assets, targets
from midge.compile import link_kernels
from midge.virtual import interpreter

HERE = Path(__file__).parent

PYTHON = """
import check_vectors, json
print(json.dumps(check_vectors.check({path!r})))
"""

NATIVE = """
import check_vectors, json, midge_native
with open({path!r}) as file:
    vectors = json.load(file)
from midge_device import primitives
from midge_device import adpcm
assert primitives.NATIVE and primitives.cobs_encode is midge_native.cobs_encode
assert adpcm.encode is midge_native.encode_adpcm
wrong = check_vectors.check_cobs(vectors, midge_native.cobs_encode, midge_native.cobs_decode)
print(json.dumps(wrong + check_vectors.check_adpcm(vectors, midge_native.encode_adpcm)))
"""

SCALE = """
import json, midge_native
from array import array
from midge_device.primitives import scale_axes_slow, scale_table
wrong = []
seed = 1
for raw, range_g, axes in ((16000, 2, (1, 2, 3)), (8000, 4, (-2, 1, 3)), (4000 / 3, 16, (3, -1, -2))):
    table = array('i', scale_table(raw, range_g, axes))
    values = [-32768, 32767, -1, 0, 1]
    for _ in range(595):
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        values.append((seed >> 8 & 0xffff) - 32768)
    slow, fast = array('h', values), array('h', values)
    scale_axes_slow(slow, 200, table)
    midge_native.scale_axes(fast, 200, table)
    if slow != fast:
        wrong.append(range_g)
print(json.dumps(wrong))
"""


def run(code: str, *folders: Path) -> list[str]:
    path = ":".join(str(folder) for folder in (HERE, assets.device_library().parent, *folders))
    done = subprocess.run(
        [*interpreter.ensure().command, "-c", code.format(path=str(HERE / "vectors.json"))],
        env={**os.environ, "MICROPYPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("native")
    (folder / "midge_native.mpy").write_bytes(link_kernels.build_native(targets.get("x64")).mpy)
    return folder


def test_vectors_in_python() -> None:
    assert run(PYTHON) == []


def test_vectors_in_native_code(native: Path) -> None:
    assert run(NATIVE, native) == []


def test_both_twins_scale_alike(native: Path) -> None:
    assert run(SCALE, native) == []
