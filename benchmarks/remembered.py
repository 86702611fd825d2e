"""Runs of peers are deterministic: what one program did over the same rows is kept, and read back next time.

midge's own programs are never kept: every run counts them.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import measure
import numpy as np
import numpy.typing as npt
from image import Image

from midge.compile import emulate_cpu, opcodes
from midge.compile.cache import digest
from midge.targets import Target

FOLDER = Path(__file__).parent.parent / "build" / "peers" / "runs"
# What counts: a change of any of these forgets everything.
_COUNTERS = [Path(module.__file__ or "") for module in (measure, emulate_cpu, opcodes)]
_COUNTERS.append(_COUNTERS[0].with_name("block_counter.c"))


def run(
    image: Image, target: Target, rows: npt.NDArray[Any], *, folder: Path = FOLDER
) -> tuple[measure.Run, bool]:
    """What `measure.run` says, and True if it was said before; raises as it does."""
    kept = folder / f"{_key(image, target, rows)}.npz"
    if kept.is_file():
        with np.load(kept) as found:
            rows_after = tuple(row.tobytes() for row in found["memory"])
            return measure.Run(found["answers"], float(found["instructions"]), rows_after), True
    ran = measure.run(image, target, rows)
    folder.mkdir(parents=True, exist_ok=True)
    memory = np.array([np.frombuffer(row, np.uint8) for row in ran.memory])
    # Under its name only when it is whole: a run may be stopped at any moment.
    aside = kept.with_suffix(".part")
    with aside.open("wb") as file:
        np.savez_compressed(file, answers=ran.answers, instructions=ran.instructions, memory=memory)
    aside.replace(kept)
    return ran, False


def _key(image: Image, target: Target, rows: npt.NDArray[Any]) -> str:
    program = [f"{address}:{data.hex()}" for address, data in image.segments]
    symbols = [f"{name}={place}" for name, place in sorted(image.symbols.items())]
    counters = [path.read_text(encoding="utf-8") for path in _COUNTERS]
    shape = f"{rows.dtype.str} {rows.shape}"
    data = np.ascontiguousarray(rows).tobytes().hex()
    return digest([version("unicorn"), target.name, *counters, *program, *symbols, shape, data])
