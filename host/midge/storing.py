"""A whole recording → its files: samples and sidecar, as `recording.py` reads them."""

from __future__ import annotations

import json
import wave
from pathlib import Path

from . import recording
from .errors import DatasetError
from .recording import SOUND, Description, Gap, Int16


def write(folder: Path, name: str, description: Description, samples: Int16, gaps: tuple[Gap, ...]) -> Path:
    """Write `NAME.csv` (motion) or `NAME.wav` (sound) and its sidecar into `folder`; returns the first.

    Raises DatasetError if one is there already or the folder can't be written.
    """
    path = folder / (name + (".wav" if description.kind == SOUND else ".csv"))
    try:
        with path.open("xb") as file:
            if description.kind == SOUND:
                _write_wav(file, description, samples)
            else:
                rows = (",".join(map(str, row)) for row in samples.tolist())
                file.write("\n".join([",".join(description.channels), *rows, ""]).encode())
        write_sidecar(path.with_suffix(".json"), description, len(samples), gaps)
    except FileExistsError as error:
        raise DatasetError(f"{error.filename} is there already and is not overwritten") from None
    except OSError as error:
        raise DatasetError(
            f"{folder} can't be written ({error.strerror}); make room or choose another"
        ) from None
    return path


def write_sidecar(path: Path, description: Description, n_samples: int, gaps: tuple[Gap, ...]) -> None:
    """Write a new sidecar; FileExistsError if it is there."""
    about = recording.sidecar(description, n_samples, gaps)
    with path.open("x", encoding="utf-8") as text:
        text.write(json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def _write_wav(file: object, description: Description, samples: Int16) -> None:
    with wave.open(file, "wb") as out:  # type: ignore[call-overload]
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(round(description.rate_hz))
        out.writeframes(samples.astype("<i2").tobytes())
