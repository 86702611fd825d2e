"""What a board sees and decides, live: events, scores, rate and loss, as a stream of plain values."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from midge_device.wire import message as wire

from .errors import DatasetError
from .messages import Event, Log, Message, Scores, Status
from .recall import recall
from .session import Session


class Monitor:
    """Turns a session's messages into lines: dicts with `kind` and what belongs to it.

    `event` {label, score, window, ticks_ms, time_s}, `scores` {scores: {label: score}, winner, window, …},
    `status` {rate_hz, samples, windows, dropped, overruns, missed_frames, free_ram_bytes, …},
    `log` {text}, `print` {text}, `kept` {path, label, samples, seconds, lost}, `not_kept` {label, text}.
    Scores are 0…1; ticks_ms is the board's counter, time_s its time since the first line; rate_hz is the mean
    since the first status, because samples come in blocks.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        model = session.welcome.model or {}
        self._labels: list[str] = [str(label) for label in model.get("labels") or ()]
        self._scale = float(model.get("score_scale") or 32767)
        # Of all of the board's tick counters, in whatever unit.
        self._ticks_period = session.welcome.ticks_period_us
        self._ticks_ms: int | None = None
        self._elapsed_ms = 0
        self._first: tuple[int, int] | None = None  # samples and time of the first status
        self.events = 0
        self._waiting: list[Message] = []
        self.last_status: dict[str, Any] = {}

    def lines(
        self,
        *,
        seconds: float | None = None,
        scores: bool = False,
        clock: Callable[[], float] = time.monotonic,
        corrections: queue.SimpleQueue[str] | None = None,
        into: Path | None = None,
        group: str = "",
    ) -> Iterator[dict[str, Any]]:
        """Lines as they come, for `seconds` or until the consumer stops; raises as `Session.next_message`.

        A label in `corrections` says what the last seconds really were: they become a recording in `into`.
        """
        until = None if seconds is None else clock() + seconds
        if scores:
            self._session.request(wire.SCORES_ON, 1)
        while until is None or clock() < until:
            message = self._waiting.pop(0) if self._waiting else self._session.next_message()
            line = self.line(message)
            if line is not None:
                yield line
            if corrections is not None and into is not None and not corrections.empty():
                said = corrections.get()
                try:
                    yield self.correct(self.meant(said), into, group)
                except DatasetError as error:
                    # A slip of the finger must not end the session.
                    yield {"kind": "not_kept", "label": said, "text": str(error)}
            text = self._session.take_text().strip()
            if text:
                yield {"kind": "print", "text": text}
        if scores:
            self._session.request(wire.SCORES_ON, 0)

    def meant(self, said: str) -> str:
        """The label that somebody typed, or the only one that begins so."""
        fitting = [label for label in self._labels if label.startswith(said)]
        return fitting[0] if said not in self._labels and len(fitting) == 1 else said

    def correct(self, label: str, into: Path, group: str = "") -> dict[str, Any]:
        """Keep the last seconds as `label` in the dataset `into`; raises as `recall`."""
        take = recall(self._session, label=label, into=into, group=group, meanwhile=self._waiting.append)
        return {
            "kind": "kept",
            "path": str(take.path),
            "label": label,
            "samples": take.samples,
            "seconds": round((take.samples + take.lost) / take.rate_hz, 2),
            "lost": take.lost,
        }

    def line(self, message: Message) -> dict[str, Any] | None:
        """The line of one message, or None for those that say nothing here."""
        if isinstance(message, Event):
            self.events += 1
            return {
                "kind": "event",
                "label": self._label(message.label),
                "score": round(message.score / self._scale, 4),
                "window": message.window,
                "ticks_ms": message.ticks_ms,
                "time_s": self._time_s(message.ticks_ms),
            }
        if isinstance(message, Scores):
            return {
                "kind": "scores",
                "winner": self._label(message.index),
                "scores": {
                    self._label(index): round(score / self._scale, 4)
                    for index, score in enumerate(message.scores)
                },
                "window": message.window,
                "ticks_ms": message.ticks_ms,
                "time_s": self._time_s(message.ticks_ms),
            }
        if isinstance(message, Status):
            self.last_status = self._status(message)
            return self.last_status
        if isinstance(message, Log):
            return {"kind": "log", "text": message.text}
        return None

    def _label(self, index: int) -> str:
        return self._labels[index] if index < len(self._labels) else str(index)

    def _time_s(self, ticks_ms: int) -> float:
        """The board's time since the first line, whatever its counter wraps at."""
        if self._ticks_ms is not None:
            step_ms = (ticks_ms - self._ticks_ms) % self._ticks_period
            # An event may be told after a later status: half the period is the past.
            self._elapsed_ms += step_ms if step_ms < self._ticks_period // 2 else step_ms - self._ticks_period
        self._ticks_ms = ticks_ms
        return self._elapsed_ms / 1000

    def _status(self, now: Status) -> dict[str, Any]:
        time_s = self._time_s(now.ticks_ms)
        rate_hz: float | None = None
        if self._first is None or now.samples < self._first[0]:  # the sensor was started anew
            self._first = now.samples, self._elapsed_ms
        elapsed_ms = self._elapsed_ms - self._first[1]
        if elapsed_ms > 0:
            rate_hz = round(1000 * (now.samples - self._first[0]) / elapsed_ms, 2)
        return {
            "kind": "status",
            "rate_hz": rate_hz,
            "samples": now.samples,
            "windows": now.windows,
            "dropped": now.dropped,
            "overruns": now.overruns,
            "missed_frames": self._session.missed_frames,
            "free_ram_bytes": now.free_ram_bytes,
            "ticks_ms": now.ticks_ms,
            "time_s": time_s,
        }
