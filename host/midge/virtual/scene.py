"""A scene: the motion a virtual board goes through, made in numpy or loaded from a recording."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DatasetError

GRAVITY_G = (0.0, 0.0, 1.0)  # lying flat: z points up


@dataclass(frozen=True)
class Scene:
    """Acceleration over time.

    Parameters
    ----------
    samples_g : array of shape (n, 3)
        acceleration along x, y, z in g, gravity included; between samples it goes on a straight line
    rate_hz : float
        samples a second
    loop : bool
        start again at the end; otherwise the last sample holds

    Raises DatasetError if the array has another shape or the rate is not positive.
    """

    samples_g: NDArray[np.float64]
    rate_hz: float = 100.0
    loop: bool = False
    raw_counts: NDArray[np.int16] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples_g, dtype=np.float64)
        if samples.ndim != 2 or samples.shape[1] != 3 or not len(samples):
            raise DatasetError(f"a scene has shape (n, 3), not {samples.shape}: give x, y and z in g")
        if not self.rate_hz > 0:
            raise DatasetError(f"a scene's rate is {self.rate_hz} Hz: give one above 0")
        object.__setattr__(self, "samples_g", samples)

    @classmethod
    def still(cls, gravity_g: tuple[float, float, float] = GRAVITY_G) -> Scene:
        """Lying still."""
        return cls(np.array([gravity_g]), 1.0, loop=True)

    @classmethod
    def raw(cls, source: ArrayLike | Callable[[NDArray[np.int64]], ArrayLike], n: int = 65536) -> Scene:
        """The sensor's own output registers, by number of the sample since the sensor was started.

        `source` is an int16 array of shape (n, 3), or (n,) for all three axes, or a function that makes one
        of sample numbers. It repeats at its end. For ramps that show every lost, doubled or swapped sample.
        """
        values = np.asarray(source(np.arange(n)) if callable(source) else source)
        if values.ndim == 1:
            values = np.repeat(values[:, None], 3, axis=1)
        if values.ndim != 2 or values.shape[1] != 3 or not len(values):
            raise DatasetError(f"a raw scene has shape (n, 3) or (n,), not {values.shape}")
        return cls(np.array([GRAVITY_G]), 1.0, loop=True, raw_counts=values.astype(np.int16))

    @classmethod
    def load(cls, path: str | Path, *, loop: bool = True) -> Scene:
        """A scene from `.npz` (`samples_g` of shape (n, 3), `rate_hz`) a recording or any CSV.

        Raises DatasetError if it can't be read.
        """
        path = Path(path)
        try:
            if path.suffix == ".npz":
                with np.load(path, allow_pickle=False) as stored:
                    return cls(stored["samples_g"], float(stored["rate_hz"]), loop)
            if path.suffix == ".csv":
                return (
                    _load_recording(path, loop)
                    if path.with_suffix(".json").exists()
                    else _load_any(path, loop)
                )
        except (OSError, ValueError, KeyError) as error:
            raise DatasetError(
                f"{path} is no scene ({error}): give .npz with samples_g and rate_hz"
            ) from error
        raise DatasetError(f"{path} is no scene: give .npz with samples_g and rate_hz, or a recording's .csv")

    def to_message(self) -> dict[str, Any]:
        """The scene as JSON takes it."""
        raw = None if self.raw_counts is None else _pack(self.raw_counts.astype("<i2"))
        return {
            "samples_g": _pack(self.samples_g.astype("<f4")),
            "rate_hz": self.rate_hz,
            "loop": self.loop,
            "raw": raw,
        }

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Scene:
        """The scene of `to_message`."""
        raw = message["raw"]
        return cls(
            _unpack(message["samples_g"], "<f4").astype(np.float64),
            float(message["rate_hz"]),
            bool(message["loop"]),
            raw_counts=None if raw is None else _unpack(raw, "<i2"),
        )


def _pack(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _unpack(text: str, dtype: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype).reshape(-1, 3)


def _load_any(path: Path, loop: bool) -> Scene:
    """Anybody's CSV, without a sidecar."""
    from ..importing import single

    samples_g, rate_hz = single.motion(path)
    return Scene(samples_g, rate_hz, loop)


def _load_recording(path: Path, loop: bool) -> Scene:
    about = json.loads(path.with_suffix(".json").read_text())
    with path.open() as lines:
        header = [name.strip() for name in lines.readline().split(",")]
        table = np.loadtxt(lines, delimiter=",", ndmin=2)
    columns = [header.index(name) for name in ("x", "y", "z")]
    rate_hz = float(about.get("measured_rate_hz") or about["rate_hz"])
    return Scene(table[:, columns] / float(about["scale"]), rate_hz, loop)
