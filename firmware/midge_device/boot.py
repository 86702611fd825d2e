"""Which model runs: the trial first, then the confirmed one; a board without a good model still runs."""

import gc

from midge_device.model import Model, RefusedError, check_file
from midge_device.slots import BAD, CONFIRMED, NAMES, RETRYING, TRIAL, TRYING


def boot_model(slots, reset):
    """Import the model of the slot to boot, before the heap fragments; returns it, or None if there is none.

    A trial that passes its self-test is confirmed. One that does not is marked bad, and `reset` is called, a
    soft reset that doesn't return: an interpreter that has imported a module must not import a second.
    """
    gc.collect()
    while True:
        slot = slots.to_boot()
        if slot < 0:
            return None
        try:
            check_file(slots.path(slot))
        except RefusedError as refused:
            _give_up(slots, slot, refused)
            continue
        on_trial = slots.states[slot] != CONFIRMED
        if on_trial:
            try:
                slots.mark(slot, TRYING if slots.states[slot] == TRIAL else RETRYING)
            except OSError as error:  # a full flash: a trial that can't be written down can't be ended
                slots.states[slot] = BAD
                _write_down(slots.explain, "{}: {}".format(NAMES[slot], error))
                continue
        try:
            model = Model(slots.folder, NAMES[slot])
            if on_trial:
                _self_test(model, slots.path(slot, "test"))
        except Exception as error:  # whatever a foreign module raises: it is not the one to run
            _give_up(slots, slot, error)
            if slots.to_boot() < 0:
                return None
            reset()
            return None
        if on_trial:
            _write_down(slots.mark, slot, CONFIRMED)
            _write_down(slots.explain, "")
        return model


def _write_down(write, *what) -> None:
    """Write if the flash takes it: a full one must not keep a good model from running."""
    try:
        write(*what)
    except OSError:
        pass  # the state in RAM holds for this boot; the next one judges again


def _self_test(model, path: str) -> None:
    try:
        with open(path, "rb") as file:
            blob = file.read()
    except OSError:
        return  # pushed without one: what can be checked without it was checked
    model.self_test(blob)


def _give_up(slots, slot: int, error: Exception) -> None:
    _write_down(slots.mark, slot, BAD)
    text = str(error) or type(error).__name__
    _write_down(slots.explain, "{}: {}".format(NAMES[slot], text))
