"""What a board sees and decides, live: events, scores, rate and loss, as a stream of plain values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from midge_device.wire import message as wire

from .messages import Event, Log, Message, Scores, Status
from .session import Session

_TICKS_MS_PERIOD = 1 << 32


class Monitor:
    """Turns a session's messages into lines: dicts with `kind` and what belongs to it.

    `event` {label, score, window, ticks_ms}, `scores` {scores: {label: score}, winner, window, ticks_ms},
    `status` {rate_hz, samples, windows, dropped, overruns, missed_frames, free_ram_bytes, ticks_ms},
    `log` {text}, `print` {text}. Scores are 0…1.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        model = session.welcome.model or {}
        self._labels: list[str] = [str(label) for label in model.get("labels", ())]
        self._scale = float(model.get("score_scale") or 32767)
        self._last: Status | None = None
        self.events = 0
        self.last_status: dict[str, Any] = {}

    def lines(
        self,
        *,
        seconds: float | None = None,
        scores: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> Iterator[dict[str, Any]]:
        """Lines as they come, for `seconds` or until the consumer stops; raises as `Session.next_message`."""
        until = None if seconds is None else clock() + seconds
        if scores:
            self._session.request(wire.SCORES_ON, 1)
        while until is None or clock() < until:
            line = self.line(self._session.next_message())
            if line is not None:
                yield line
            text = self._session.take_text().strip()
            if text:
                yield {"kind": "print", "text": text}
        if scores:
            self._session.request(wire.SCORES_ON, 0)

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
            }
        if isinstance(message, Status):
            self.last_status = self._status(message)
            return self.last_status
        if isinstance(message, Log):
            return {"kind": "log", "text": message.text}
        return None

    def _label(self, index: int) -> str:
        return self._labels[index] if index < len(self._labels) else str(index)

    def _status(self, now: Status) -> dict[str, Any]:
        before, self._last = self._last, now
        rate_hz: float | None = None
        if before is not None and now.samples >= before.samples:
            elapsed_ms = (now.ticks_ms - before.ticks_ms) % _TICKS_MS_PERIOD
            rate_hz = round(1000 * (now.samples - before.samples) / elapsed_ms, 2) if elapsed_ms else None
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
        }
