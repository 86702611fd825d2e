"""What a board says of itself to whoever opens a session: the JSON of WELCOME."""

import gc
import json
import os
import sys
import time

from midge_device.boards import sensor_name
from midge_device.model import firmware_target, largest_block_bytes
from midge_device.primitives import NATIVE
from midge_device.slots import NAMES, STATE_NAMES
from midge_device.versions import LIBRARY, MODULE_ABI, PROTOCOL
from midge_device.wire.frame import PAYLOAD_BYTES


def payload(about: dict, board, sampler, model, slots) -> bytes:
    """WELCOME of this board: what is in `about` (app, trouble, name in the air), and what can be asked of it.

    sampler, model: None if there is none.
    """
    import machine

    if sampler:
        driver = sampler.driver
        sensor = {"name": driver.NAME, "rate_hz": driver.rate_hz, "range_g": driver.range_g}
    else:
        sensor = {"name": sensor_name(board.__dict__)}
    states = {NAMES[slot]: STATE_NAMES[slots.states[slot]] for slot in (0, 1)}
    states["active"] = NAMES[slots.active]
    states["why"] = slots.why()
    stat = os.statvfs("/")
    max_alloc_bytes = largest_block_bytes()  # collects garbage: before free_ram is asked for
    info = model.info if model else {}
    welcome = {
        "protocol": PROTOCOL,
        "midge": LIBRARY,
        "abi": MODULE_ABI,
        "board": board.NAME,
        "id": machine.unique_id().hex(),
        "target": firmware_target(),
        "native": NATIVE,
        "mpy": getattr(sys.implementation, "_mpy", 0),
        "free_ram": gc.mem_free(),
        "max_alloc": max_alloc_bytes,
        "free_flash": stat[0] * stat[4],
        "ticks_us": _ticks_period(),
        "slots": states,
        "sensor": sensor,
        "model": {key: info.get(key) for key in ("name", "digest", "labels")} if model else None,
    }
    welcome.update(about)
    text = json.dumps(welcome, separators=(",", ":")).encode()
    if len(text) > PAYLOAD_BYTES and model:
        welcome["model"]["labels"] = None  # the host has them with the digest
        text = json.dumps(welcome, separators=(",", ":")).encode()
    return text


def _ticks_period() -> int:
    """Where ticks_us wraps, as far as the 32 bits of a message tell."""
    return min(time.ticks_add(0, -1) + 1, 1 << 32)  # type: ignore[type-var]
