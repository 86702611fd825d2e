"""What the drivers of boards read, held against what an app wants."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import TargetMismatch
from .recording import GYRO_CHANNELS


def check_channels(name: str, channels: Sequence[str]) -> None:
    """Raise TargetMismatch for channels of app or model `name` that no driver reads: they give x, y and z."""
    extra = [one for one in channels if one in GYRO_CHANNELS]
    if extra:
        raise TargetMismatch(
            f"{name} reads a gyroscope ({', '.join(extra)}) and the drivers of boards read "
            'accelerometers only; set channels = ["x", "y", "z"] in app.toml and train again'
        )
