"""Records from peripherals that know nothing of midge: whatever notifies becomes a recording.

What a notification holds is declared: a struct layout, one or more samples each, or lines of numbers. A
layout with a header tells by its counter what was lost; without one, only a link that broke leaves a marked
gap, as long as it took by the declared rate.
"""

from __future__ import annotations

import contextlib
import re
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .errors import MidgeError, ProtocolError, RecipeError, ReplyTimeout
from .progress import Advance
from .recipe import Recipe
from .record import CANONICAL_FULL_SCALE, Pace, Take
from .recording import Description
from .take import TakeWriter, take_name

if TYPE_CHECKING:
    from .transport.ble_link import Link

CSV = "csv"
SILENCE_S = 10.0
_READ_S = 0.5
_LONGEST_LINE_BYTES = 4096
_SEPARATORS = re.compile(rb"[,;\t ]+")
_CLOCK_PERIOD_US = 1 << 62


class Source(Protocol):
    """Where notifications come from: `transport.ble_link.Link`, or what a test puts in its place."""

    name: str
    reconnects: int

    def take(self, timeout_s: float) -> list[bytes]:
        """Notifications that have come, or [] after `timeout_s` s; raises TransportLost."""


@dataclass(frozen=True)
class Block:
    """What one notification held: values of shape (n, n_channels), and its counter if the layout has one."""

    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    counter: int | None = None


class Layout:
    """A declared struct layout: `<hhh` is a sample of three int16, `<H|hhh` has a counter before samples.

    The counter, the first field of the header, is the number of the first sample of its notification; it
    wraps at the end of its type. Raises RecipeError for what `struct` does not understand.
    """

    def __init__(self, text: str, n_channels: int) -> None:
        order = text[0] if text.startswith(("<", ">", "=", "!", "@")) else "<"
        header, _, sample = text.lstrip("<>=!@").rpartition("|")
        try:
            self._header = struct.Struct(order + header)
            self._sample = struct.Struct(order + sample)
            first = re.match(r"(?:\s|\d*x)*\d*([a-wyzA-Z?])", header)
            self.modulus = 256 ** struct.calcsize(order + first[1]) if first else 0
            n_fields = len(self._sample.unpack(bytes(self._sample.size)))
        except struct.error as error:
            raise RecipeError(f"layout {text!r}: {error}; write it as Python's struct does, '<hhh'") from None
        if n_fields != n_channels:
            raise RecipeError(
                f"layout {text!r} has {n_fields} values a sample, the recipe {n_channels} channels; declare "
                "as many, with x for bytes to skip"
            )
        if set(sample) & set("csp") or (first and first[1] in "cspefd"):
            raise RecipeError(
                f"layout {text!r} has a field that is no number, or a counter that is no integer; declare "
                "numbers, with x for bytes to skip"
            )
        self.is_integer = not set(sample) & set("efd")
        self.bad = 0

    def read(self, data: bytes) -> list[Block]:
        """The block in one notification; a length that does not fit counts as bad."""
        rest = len(data) - self._header.size
        if rest <= 0 or rest % self._sample.size:
            self.bad += 1
            return []
        values = np.array([*self._sample.iter_unpack(data[self._header.size :])], float)
        if not np.isfinite(values).all():
            self.bad += 1
            return []
        counter = int(self._header.unpack_from(data)[0]) % self.modulus if self.modulus else None
        return [Block(values, counter)]


class Lines:
    """Lines of numbers, with comma, semicolon, tab or space between; others count as bad."""

    is_integer = False
    modulus = 0

    def __init__(self, n_channels: int) -> None:
        self._n_channels = n_channels
        self._rest = b""
        self._is_first = True
        self.bad = 0

    def read(self, data: bytes) -> list[Block]:
        """The blocks of the lines that this notification completes."""
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if len(self._rest) > _LONGEST_LINE_BYTES:
            self._rest = b""
            self.bad += 1
        rows = []
        for line in lines:
            was_first, self._is_first = self._is_first, False
            words = [word for word in _SEPARATORS.split(line.strip()) if word]
            if not words:
                continue
            try:
                row = [float(word) for word in words]
            except ValueError:
                row = []
            if len(row) == self._n_channels and np.isfinite(row).all():
                rows.append(row)
            elif not was_first:  # the first may have begun before we listened
                self.bad += 1
        return [Block(np.array(rows))] if rows else []

    def forget(self) -> None:
        """The link broke: what was begun has no end."""
        self._rest = b""
        self._is_first = True


@dataclass
class _Count:
    """Where the recording stands in the stream, by counter and by the clock."""

    rate_hz: float
    modulus: int
    next: int | None = None
    last_s: float | None = None

    def lost_before(self, block: Block, now_s: float, was_cut: bool) -> int:
        """Samples missing between the last block and this one."""
        n = len(block.values)
        elapsed = 0 if self.last_s is None else round((now_s - self.last_s) * self.rate_hz) - n
        self.last_s = now_s
        if block.counter is None or not self.modulus:
            return max(0, elapsed) if was_cut else 0
        expected, self.next = self.next, (block.counter + n) % self.modulus
        if expected is None:
            return 0
        lost = (block.counter - expected) % self.modulus
        if was_cut and elapsed > lost:  # the counter may have gone round meanwhile
            lost += round((elapsed - lost) / self.modulus) * self.modulus
        elif lost > self.modulus // 2:
            return 0  # it stepped back: the peripheral started anew
        return lost


def decoder(layout: str, recipe: Recipe) -> Layout | Lines:
    """What reads notifications of this layout. Raises RecipeError if it does not fit the recipe."""
    n_channels = len(recipe.sensor.channels)
    return Lines(n_channels) if layout == CSV else Layout(layout, n_channels)


def record_foreign(
    source: Source,
    recipe: Recipe,
    layout: Layout | Lines,
    *,
    label: str,
    into: Path,
    group: str = "",
    seconds: float | None = None,
    unit_per_count: float | None = None,
    on_progress: Advance | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Take:
    """Record one take of `label` into the folder `into`, for `seconds` of samples, or until ^C if None.

    `unit_per_count` is what 1 means in the recipe's unit; by default integers are canonical counts, other
    numbers are in the unit. ^C and a lost link end the take early and keep what came, as in `record`.
    """
    if label not in recipe.labels:
        raise RecipeError(f"{label!r} is no label of {recipe.name} ({', '.join(recipe.labels)}); choose one")
    canonical = CANONICAL_FULL_SCALE / recipe.sensor.range_g
    if unit_per_count is not None:
        factor = unit_per_count * canonical
    else:
        factor = 1.0 if layout.is_integer else canonical
    about = Description(
        label=label,
        channels=recipe.sensor.channels,
        rate_hz=recipe.sensor.rate_hz,
        scale=canonical,
        kind=recipe.sensor.kind,
        sensor=source.name,
        board="foreign",
        group=group,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    n_wanted = None if seconds is None else max(1, round(seconds * recipe.sensor.rate_hz))
    pace = Pace(_CLOCK_PERIOD_US)
    reconnects = source.reconnects
    with TakeWriter(into, take_name(into, label, group), about) as writer:
        failure: MidgeError | None = None
        reason = ""
        try:
            _follow(source, layout, writer, pace, about.rate_hz, factor, n_wanted, on_progress, clock)
        except KeyboardInterrupt:
            reason = "" if n_wanted is None else "interrupted"
        except MidgeError as error:
            failure, reason = error, "".join(str(error).split(";")[:1])
        if failure is not None and writer.n_samples == 0:
            raise failure
        n_samples, gaps, lost = writer.n_samples, writer.gaps, writer.lost
        reconnects = source.reconnects - reconnects
        path = writer.finish(
            measured_rate_hz=pace.rate_hz, jitter_us=pace.jitter_us, partial=reason, reconnects=reconnects
        )
    if failure is not None:
        failure.args = (f"{failure}; {n_samples} samples are kept in {path}",)
        raise failure
    rate_hz, jitter_us = pace.rate_hz, pace.jitter_us
    return Take(path, n_samples, lost, gaps, about.rate_hz, rate_hz, jitter_us, reason, reconnects)


def _follow(
    source: Source,
    layout: Layout | Lines,
    writer: TakeWriter,
    pace: Pace,
    rate_hz: float,
    factor: float,
    n_wanted: int | None,
    on_progress: Advance | None,
    clock: Callable[[], float],
) -> None:
    """Write what comes until there is enough of it."""
    count = _Count(rate_hz, layout.modulus)
    reconnects = source.reconnects
    heard_s = clock()
    was_cut = False
    while n_wanted is None or writer.n_samples + writer.lost < n_wanted:
        notifications = source.take(_READ_S)
        now_s = clock()
        if source.reconnects != reconnects:
            reconnects = source.reconnects
            was_cut = True
            if isinstance(layout, Lines):
                layout.forget()
        if not notifications:
            if now_s - heard_s > SILENCE_S:
                raise ReplyTimeout(
                    f"{source.name} has notified nothing for {SILENCE_S:g} s; wake it, and check the UUID"
                )
            continue
        heard_s = now_s
        bad = layout.bad
        for data in notifications:
            for block in layout.read(data):
                lost = count.lost_before(block, now_s, was_cut)
                was_cut = False
                if n_wanted is not None:
                    lost = min(lost, n_wanted - writer.n_samples - writer.lost)
                writer.lose(lost)
                first = writer.n_samples + writer.lost
                pace.add(first, round(now_s * 1e6))
                room = None if n_wanted is None else max(0, n_wanted - first)
                counts = np.clip(np.rint(block.values * factor), -32768, 32767)
                writer.append(counts.astype(np.int16)[:room])
        if layout.bad > bad and writer.n_samples == 0:
            raise ProtocolError(
                f"{source.name} notified {notifications[-1][:24].hex(' ')} ({len(notifications[-1])} bytes), "
                "which is not of this layout; declare what it sends"
            )
        if on_progress is not None:
            text = f"{writer.n_samples} samples" + (f", {writer.lost} lost" if writer.lost else "")
            on_progress(writer.n_samples + writer.lost, n_wanted, text)


@contextlib.contextmanager
def listening(device: str, characteristic: str) -> Iterator[Link]:
    """The notifications of `characteristic` of the peripheral `ble:NAME` or `ble:ADDRESS`, for a `with`.

    Raises DeviceNotFound, TransportError.
    """
    from .transport import split_address
    from .transport.ble_link import Link, full_uuid

    scheme, address = split_address(device)
    if scheme != "ble":
        raise RecipeError(f"{device} is not in the air; characteristics are of ble:NAME or ble:ADDRESS")
    link = Link(address, full_uuid(characteristic))
    try:
        yield link
    finally:
        link.close()
