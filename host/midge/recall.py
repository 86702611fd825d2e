"""Learning from mistakes: the last seconds that a board has kept become a labelled recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from midge_device.wire import message as wire

from .errors import DatasetError, DeviceError
from .features import MOTION_CHANNELS
from .messages import Data, Message, StreamEnd
from .record import CANONICAL_FULL_SCALE, Pace, Take
from .recording import Description
from .session import Session
from .take import TakeWriter, take_name


def recall(
    session: Session,
    *,
    label: str,
    into: Path,
    group: str = "",
    meanwhile: Callable[[Message], None] = lambda message: None,
) -> Take:
    """Write the last seconds before now, as `label`, into the dataset `into`; the board's model goes on.

    `meanwhile` gets the events and figures that came in between. Raises DatasetError for a label that the
    model doesn't know or a folder that can't be written, DeviceError for a board that keeps nothing.
    """
    welcome = session.welcome
    labels = [str(one) for one in (welcome.model or {}).get("labels") or ()]
    if labels and label not in labels:
        raise DatasetError(f"{label!r} is no label of the board's model ({', '.join(labels)}); choose one")
    sensor = welcome.raw.get("sensor") or {}
    if not (sensor.get("rate_hz") and sensor.get("range_g")):
        raise DeviceError(f"{session.transport.name} does not measure; look at its wiring, then try again")
    about = Description(
        label=label,
        channels=MOTION_CHANNELS,
        rate_hz=float(sensor["rate_hz"]),
        scale=CANONICAL_FULL_SCALE / float(sensor["range_g"]),
        sensor=str(sensor.get("name") or ""),
        board=welcome.board,
        group=group,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    pace = Pace(welcome.ticks_period_us)
    with TakeWriter(into, take_name(into, label, group), about) as writer:
        session.request(wire.RECALL)
        while True:
            message = session.next_message()
            if isinstance(message, StreamEnd):
                writer.lose(max(0, message.samples - writer.n_samples - writer.lost))
                break
            if not isinstance(message, Data):
                meanwhile(message)
                continue
            lost = message.first - writer.n_samples - writer.lost
            if lost > 0:
                writer.lose(lost)
            pace.add(message.first, message.ticks_us)
            writer.append(message.samples)
        n_samples, lost, gaps = writer.n_samples, writer.lost, writer.gaps
        path = writer.finish(measured_rate_hz=pace.rate_hz, jitter_us=pace.jitter_us, partial="")
    return Take(path, n_samples, lost, gaps, about.rate_hz, pace.rate_hz, pace.jitter_us, "")
