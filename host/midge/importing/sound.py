"""Sound files → samples: WAV and what else libsndfile reads; three channels or more are motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DatasetError
from .table import Table

SUFFIXES = (".wav", ".flac", ".ogg", ".aiff", ".aif")
FULL_SCALE = 32768


def read(path: Path, where: str, *, kind: str = "auto", has_gyro: bool = True) -> Table:
    """A sound file, mixed to one channel, or motion recorded as one; raises DatasetError."""
    try:
        import soundfile
    except (ImportError, OSError):
        raise DatasetError("sound files need soundfile: pip install 'midge[data]'") from None
    try:
        with soundfile.SoundFile(path) as file:
            is_int16 = file.subtype in ("PCM_16", "PCM_S8", "PCM_U8")
            what = f"{file.format} {file.subtype}, {file.channels} channels, {file.samplerate} Hz"
            rate_hz, declared = file.samplerate, file.frames
            samples = file.read(dtype="int16" if is_int16 else "float64", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        why = " ".join(str(getattr(error, "error_string", error)).split())[:80]
        raise DatasetError(f"{where}: not a whole sound file ({why}); --skip-bad leaves it out") from None
    if not len(samples):
        raise DatasetError(f"{where}: holds no samples; --skip-bad leaves it out")
    if len(samples) < declared or _is_cut(path):
        raise DatasetError(
            f"{where}: it ends after {len(samples)} samples and says that it is longer; copy it again, or "
            "--skip-bad leaves it out"
        )
    if not np.isfinite(samples).all():
        bad = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
        raise DatasetError(f"{where} sample {bad + 1}: a value is missing (NaN); --skip-bad leaves it out")
    n_channels = samples.shape[1]
    if kind == "motion" or (kind == "auto" and n_channels >= 3):
        if n_channels < 3:
            raise DatasetError(f"{where}: {n_channels} channels, motion has x, y and z; use --kind sound")
        n_read = 6 if has_gyro and n_channels == 6 else 3
        counts = samples[:, :n_read].astype(np.float64) * (1 if is_int16 else FULL_SCALE)
        left = f"; the first 3 of {n_channels} channels are x, y, z" if n_channels > n_read else ""
        left += "; channels x, y, z, gx, gy, gz" if n_read == 6 else ""
        return Table(counts, _rows(len(counts)), rate_hz=float(rate_hz), says=(what + left,))
    notes = (f"{n_channels} channels mixed to one",) if n_channels > 1 else ()
    if is_int16 and n_channels == 1:
        pcm: npt.NDArray[np.int16] | None = samples[:, 0]
        wide = samples.astype(np.float64) / FULL_SCALE
    else:
        pcm = None
        wide = samples.astype(np.float64).mean(axis=1, keepdims=True) / (FULL_SCALE if is_int16 else 1)
    return Table(
        wide,
        _rows(len(wide)),
        rate_hz=float(rate_hz),
        unit="FS",
        kind="sound",
        says=(what,),
        notes=notes,
        pcm=pcm,
    )


def _rows(n: int) -> npt.NDArray[np.int64]:
    return np.arange(1, n + 1)


def _is_cut(path: Path) -> bool:
    """A RIFF file shorter than its `data` chunk says: libsndfile reads what there is without a word."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return False
        file.seek(12)
        while len(header := file.read(8)) == 8:
            length = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                # Streams that nobody finished have no length, or the largest.
                return 0 < length < 0xFFFFF000 and file.tell() + length > size
            file.seek(length + length % 2, 1)
    return False
