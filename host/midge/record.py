"""Records takes from a board: starts a stream, writes what comes, marks exactly what did not.

Recording + marked gaps = samples that the sensor took, whatever was lost and wherever: the board numbers
samples at the sensor, so a jump in the numbers is a gap, and STREAM_END tells how many there were in all.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from midge_device.wire import message as wire

from . import sound_line
from .driver_channels import check_channels
from .errors import DatasetError, DeviceError, MidgeError, ProtocolError, RecipeError, TransportError
from .flatness import Flatness
from .messages import Data, Status, StreamEnd, Welcome
from .progress import Advance
from .recipe import Recipe
from .recording import SOUND, SOUND_UNIT, Description, Gap
from .session import Session
from .sound_level import Level
from .take import TakeWriter, take_name

CANONICAL_FULL_SCALE = 32768
# A board gathers at most so many samples before it sends them, whatever its sensor.
LONGEST_BLOCK_SAMPLES = 255
# A take of sound that lost more is worth a word about the line.
LOST_SHARE = 0.01
# The range that asks a board for its microphone.
OF_SOUND = 0
# A board counts samples in 30 bits.
MOST_SAMPLES = (1 << 30) - 1


@dataclass(frozen=True)
class Take:
    """One finished take: where it is, what was kept and lost, and the pace by the board's clock.

    `warning`: why it should be recorded again, '' if nothing speaks for it.
    """

    path: Path
    samples: int
    lost: int
    gaps: tuple[Gap, ...]
    rate_hz: float
    measured_rate_hz: float | None
    jitter_us: float | None
    partial: str
    reconnects: int = 0
    peak_dbfs: float | None = None  # of sound
    clipped: int = 0
    warning: str = ""


class Pace:
    """Rate and jitter of a stream, from (sample index, board time) of its blocks.

    Sums are kept as exact integers, so that hours of blocks lose nothing.
    """

    def __init__(self, ticks_period_us: int) -> None:
        self._period_us = ticks_period_us
        self._last_us: int | None = None
        self._elapsed_us = 0
        self._first_index = 0
        self._n = self._i = self._t = self._ii = self._it = self._tt = 0

    def add(self, index: int, ticks_us: int) -> None:
        """A block that starts with sample `index` at `ticks_us` of the board, which wraps."""
        if self._last_us is None:
            self._first_index = index
        else:
            # The board's estimate of a block's time may move back a little, so the difference has a sign.
            half_us = self._period_us // 2
            self._elapsed_us += (ticks_us - self._last_us + half_us) % self._period_us - half_us
        self._last_us = ticks_us
        i, t = index - self._first_index, self._elapsed_us
        self._n += 1
        self._i += i
        self._t += t
        self._ii += i * i
        self._it += i * t
        self._tt += t * t

    @property
    def rate_hz(self) -> float | None:
        """Least-squares rate; None before there are two blocks."""
        spread = self._n * self._ii - self._i * self._i
        slope = self._n * self._it - self._i * self._t
        return 1e6 * spread / slope if spread > 0 and slope > 0 else None

    @property
    def jitter_us(self) -> float | None:
        """RMS distance of block times from the even pace; None before there are three blocks."""
        spread = self._n * self._ii - self._i * self._i
        if self._n < 3 or spread == 0:
            return None
        slope = self._n * self._it - self._i * self._t
        # Exact integers until the end: the terms are far larger than their difference.
        squares = (self._n * self._tt - self._t * self._t) * spread - slope * slope
        return math.sqrt(max(squares, 0) / spread) / self._n


def description(recipe: Recipe, welcome: Welcome, label: str, group: str = "") -> Description:
    """What a take of `label` with this board will say of itself.

    Raises RecipeError for an unknown label, TargetMismatch for channels that boards don't read.
    """
    check_channels(recipe.name, recipe.sensor.channels)
    if label not in recipe.labels:
        raise RecipeError(
            f"{label!r} is no label of {recipe.name} ({', '.join(recipe.labels)}); choose one, or add it to "
            f"{recipe.folder / 'app.toml'}"
        )
    sensor = welcome.sensor or {}
    if recipe.sensor.kind == SOUND:
        sensor = {"name": welcome.raw.get("mic")}
    return Description(
        label=label,
        channels=recipe.sensor.channels,
        rate_hz=recipe.sensor.rate_hz,
        scale=CANONICAL_FULL_SCALE / recipe.sensor.range_g,
        kind=recipe.sensor.kind,
        unit=SOUND_UNIT if recipe.sensor.kind == SOUND else "g",
        sensor=str(sensor.get("name") or sensor.get("kind") or "")
        if isinstance(sensor, dict)
        else str(sensor),
        board=welcome.board,
        group=group,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def record(
    session: Session,
    recipe: Recipe,
    *,
    label: str,
    into: Path,
    group: str = "",
    seconds: float | None = None,
    coding: str = sound_line.INT16,
    on_progress: Advance | None = None,
) -> Take:
    """Record one take of `label` into the folder `into`, for `seconds`, or until ^C if None.

    `coding`: how sound comes over the line, see `sound_line.choose`.
    ^C, a lost line and a full disk end the take early: what came is kept and marked as partial. After ^C the
    take is returned; after the others the error is raised, its message naming the file that was kept.
    """
    about = description(recipe, session.welcome, label, group)
    if about.kind == SOUND and coding == sound_line.ADPCM:
        about = replace(about, coding=coding)
    n_wanted = 0 if seconds is None else max(1, round(seconds * recipe.sensor.rate_hz))
    if n_wanted > MOST_SAMPLES:
        raise RecipeError(
            f"{seconds:g} s at {recipe.sensor.rate_hz:g} Hz are more than {MOST_SAMPLES} samples; record less"
        )
    reconnects = session.transport.reconnects
    with TakeWriter(into, take_name(into, label, group), about) as writer:
        run = _Run(session, writer, n_wanted, recipe.sensor.rate_hz, is_sound=recipe.sensor.kind == SOUND)
        failure: MidgeError | None = None
        reason = ""
        try:
            range_g = OF_SOUND if recipe.sensor.kind == SOUND else recipe.sensor.range_g
            run.start(round(recipe.sensor.rate_hz * 1000), range_g, coding)
            run.follow(on_progress)
        except KeyboardInterrupt:
            reason = "interrupted"
            with contextlib.suppress(
                KeyboardInterrupt
            ):  # somebody in a hurry: what came is kept all the same
                failure = run.stop()
            if isinstance(failure, TransportError | ProtocolError):
                failure = None  # the person wanted to stop; that the line went as well is no news
            if failure is None and writer.n_samples == 0:
                raise  # there is nothing to keep
        except MidgeError as error:
            failure, reason = error, "".join(str(error).split(";")[:1])
            if isinstance(error, DatasetError):
                run.abandon()
        if failure is not None and writer.n_samples + writer.lost == 0:
            raise failure
        n_samples, gaps, lost = writer.n_samples, writer.gaps, writer.lost
        open_ended = reason == "interrupted" and n_wanted == 0
        partial = "" if open_ended and run.is_over else reason
        reconnects = session.transport.reconnects - reconnects
        path = writer.finish(
            measured_rate_hz=run.pace.rate_hz,
            jitter_us=run.pace.jitter_us,
            partial=partial,
            reconnects=reconnects,
        )
    if failure is not None:
        failure.args = (f"{failure}; {n_samples} samples are kept in {path}",)
        raise failure
    rate_hz, jitter_us = run.pace.rate_hz, run.pace.jitter_us
    take = Take(path, n_samples, lost, gaps, about.rate_hz, rate_hz, jitter_us, partial, reconnects)
    flat = run.flatness.warning(about.channels)
    if run.level is None:
        return replace(take, warning=flat)
    level, warning = run.level, run.level.warning or flat
    if lost > LOST_SHARE * (n_samples + lost):
        warning = (
            f"{lost} samples are lost: the line has to carry "
            f"{sound_line.needed_bytes_s(coding, about.rate_hz) / 1000:.0f} kB/s of sound; "
            "use USB instead of a UART or radio, or a lower rate_hz"
        )
    return replace(take, peak_dbfs=level.peak_dbfs, clipped=level.clipped, warning=warning)


class _Run:
    """One stream on its way into a writer."""

    def __init__(
        self, session: Session, writer: TakeWriter, n_wanted: int, rate_hz: float, *, is_sound: bool = False
    ) -> None:
        self.level = Level() if is_sound else None
        self.flatness = Flatness()
        self._session = session
        self._writer = writer
        self._n_wanted = n_wanted
        # When only STATUS comes for so long, the stream has ended and its STREAM_END was damaged on the way.
        block_ms = 1000 * LONGEST_BLOCK_SAMPLES / rate_hz
        self._quiet_statuses = 4 + math.ceil(2 * block_ms / wire.STATUS_MS)
        self._is_started = self._is_stopped = False
        self.is_over = False
        self.pace = Pace(session.welcome.ticks_period_us)

    @property
    def _next(self) -> int:
        """Number of the next sample: all before are written or marked as lost."""
        return self._writer.n_samples + self._writer.lost

    def start(self, rate_mhz: int, range_g: int, coding: str) -> None:
        if self.level is not None and coding == sound_line.ADPCM:
            self._session.request(wire.SOUND_START, rate_mhz, wire.ADPCM, self._n_wanted)
        else:
            self._session.request(wire.STREAM_START, rate_mhz, range_g, self._n_wanted)
        self._is_started = True

    def follow(self, on_progress: Advance | None = None) -> None:
        """Write what comes until the stream ends."""
        for block in self._blocks():
            self._take(block)
            if on_progress is not None:
                rate = self.pace.rate_hz
                text = f"{self._writer.n_samples} samples" + (f", {rate:.1f} Hz" if rate else "")
                text += f", {self._writer.lost} lost" if self._writer.lost else ""
                if self.level is not None:
                    text += f"  {self.level.bar()}"
                on_progress(self._next, self._n_wanted or None, text)

    def stop(self) -> MidgeError | None:
        """Stop the stream and write what was still on the way; returns what went wrong, if something did."""
        if not self._is_started or self.is_over:
            return None
        try:
            self._is_stopped = True
            self._session.request(wire.STREAM_STOP)
            self.follow()
        except MidgeError as error:
            return error
        return None

    def abandon(self) -> None:
        """Stop the stream; what is still on the way has no place to go."""
        with contextlib.suppress(MidgeError):  # the first error is the one to tell
            self._session.request(wire.STREAM_STOP)

    def _blocks(self) -> Iterator[Data]:
        quiet = 0
        while not self.is_over:
            message = self._session.next_message()
            if isinstance(message, Data):
                quiet = 0
                yield message
            elif isinstance(message, StreamEnd):
                self._end(message.samples)
                self._check_length(message.samples)
            elif isinstance(message, Status):
                quiet += 1
                if quiet >= self._quiet_statuses:
                    self._end_unseen()

    def _take(self, block: Data) -> None:
        """Write a block; the part of it that came before is not written again."""
        lost = block.first - self._next
        samples = block.samples[max(0, -lost) :]
        if lost > 0:
            self._writer.lose(lost)
        self.pace.add(block.first, block.ticks_us)
        if len(samples):
            if self.level is not None:
                self.level.add(samples)
            self.flatness.add(samples)
            self._writer.append(samples)

    def _check_length(self, n_taken: int) -> None:
        if n_taken < self._n_wanted and not self._is_stopped:
            raise DeviceError(
                f"{self._session.transport.name} stopped after {n_taken} of {self._n_wanted} samples: "
                "its sensor does not answer; check the wiring and record again"
            )

    def _end_unseen(self) -> None:
        if not self._n_wanted:
            raise ProtocolError(
                "the stream's end was damaged on the way, the last gap is unknown; record again"
            )
        self._end(self._n_wanted)

    def _end(self, n_taken: int) -> None:
        self._writer.lose(n_taken - self._next)
        self.is_over = True
