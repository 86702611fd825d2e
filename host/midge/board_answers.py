"""The board's own answers to given samples, window by window, against this machine's C and the emulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import evaluate
from .build import BuiltModule
from .errors import ParityError
from .mpremote_link import RawRepl

Int16 = npt.NDArray[np.int16]

INPUT, OUTPUT = "/midge/samples.tmp", "/midge/answers.tmp"

# Reads the samples hop by hop: a board has no room for a recording.
_PROGRAM = """
import os
from array import array
from midge_device.boot import boot_model
from midge_device.slots import Slots
model = boot_model(Slots(), lambda: None)
digest = model.info['digest']
block = array('h', bytes(2 * model.info['hop'] * {channels}))
index = array('h', [0])
with open('{input}', 'rb') as samples, open('{output}', 'wb') as answers:
    while True:
        n = samples.readinto(block) // (2 * {channels})
        if not n:
            break
        done = 0
        while done < n:
            done += model.push(block, done, n)
            if model.ready():
                index[0] = model.predict()
                answers.write(model.scores)
                answers.write(index)
print(digest)
"""

_REMOVE = f"""
import os
for path in ({INPUT!r}, {OUTPUT!r}):
    try:
        os.remove(path)
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Comparison:
    """Windows compared, and those where all three gave the same scores and winner, bit for bit."""

    windows: int
    agree: int


def compare(device: str, built: BuiltModule, samples: Int16) -> Comparison:
    """Run the board's module, the C on this machine and the emulation on `samples` (n, channels).

    The board's program is stopped meanwhile and started again after it. Raises ParityError if the board
    holds another model.
    """
    model = built.model
    assert model.frontend is not None
    n_scores = model.n_scores
    with RawRepl(device) as repl:
        try:
            repl.write_file(INPUT, samples.astype("<i2").tobytes())
            program = _PROGRAM.format(input=INPUT, output=OUTPUT, channels=len(model.frontend.channels))
            digest = repl.run(program).strip()
            if digest != model.digest:
                raise ParityError(f"the board runs model {digest}, not {model.digest}; push it again")
            answers = np.frombuffer(repl.read_file(OUTPUT), "<i2").reshape(-1, n_scores + 1)
        finally:
            repl.run(_REMOVE)
        repl.restart()
    library = evaluate.compiled(model)
    scores, winners = library.classify(library.stream(samples))
    here = np.column_stack([scores, winners]).astype(np.int16)
    emulated = _emulated(built, samples)
    windows = max(len(answers), len(here), len(emulated))
    common = min(len(answers), len(here), len(emulated))
    same = (answers[:common] == here[:common]).all(axis=1) & (emulated[:common] == here[:common]).all(axis=1)
    return Comparison(windows, int(same.sum()))


def _emulated(built: BuiltModule, samples: Int16) -> Int16:
    emulator = built.emulator()
    state = emulator.state()
    rows: list[list[int]] = []
    done = 0
    while done < len(samples):
        done += emulator.push(state, samples[done:])
        if emulator.ready(state):
            winner, scores = emulator.predict(state)
            rows.append([*map(int, scores), int(winner)])
    return np.array(rows, np.int16).reshape(-1, built.model.n_scores + 1)
