"""A dataset → files that other tools read: CSV, .npy, WAV, Parquet, Edge Impulse's JSON and CBOR.

What comes out goes in again: `Exported.import_again` are the options of the `midge import` that gives the
same samples. Formats without time stamps get one file for each stretch between gaps.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from . import recording
from .curate.changing import part_of
from .curate.takes import Take
from .dataset import stretches
from .errors import DatasetError
from .importing import edge_impulse, gyro, units
from .progress import Advance
from .recording import GYRO_CHANNELS, SOUND, Description, Recording

RAW = "raw"
# What a gyroscope's columns are in, whatever the accelerometer's.
GYRO_UNIT = "deg/s"
GYRO_TO_DPS = gyro.to_dps(GYRO_UNIT)
NO_GROUP = "_"
SIGNATURE = "0" * edge_impulse.SIGNATURE_CHARS


@dataclass(frozen=True)
class Exported:
    """Files written, and how they come in again."""

    files: int
    takes: int
    into: Path
    import_again: tuple[str, ...]


@dataclass(frozen=True)
class Options:
    """`unit`: g, m/s^2, mg or raw (counts); '' = the format's own custom."""

    unit: str = ""
    hmac_key: str | None = None


def export(
    takes: Sequence[Take],
    into: Path,
    form: str,
    options: Options,
    *,
    on_progress: Advance | None = None,
) -> Exported:
    """Write takes as `form` (see FORMATS) into a new folder; all or nothing.

    Raises DatasetError for a folder that holds something, an unknown format or unit, or sound as a table.
    """
    if form not in FORMATS:
        raise DatasetError(f"--format {form[:40]!r} is not one of {', '.join(FORMATS)}")
    if options.unit and options.unit != RAW:
        units.to_g(options.unit)
    if form == "wav" and options.unit not in ("", RAW):
        raise DatasetError("--format wav holds counts; leave --unit out, or choose csv")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise DatasetError(f"{into} is there already; export into a new folder")
    suffix, unit, _, _ = FORMATS[form]
    options = Options(options.unit or unit, options.hmac_key)
    advance = on_progress or (lambda done, total=None, text="": None)
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        waiting = Path(tempfile.mkdtemp(prefix=f".{into.name}.export.", dir=into.parent))
    except OSError as error:
        raise DatasetError(f"{into} can't be written ({error.strerror}); choose another --into") from None
    try:
        n_files = _write_takes(takes, waiting, form, options, advance)
        if form.startswith("edge-impulse"):
            _write_labels(waiting, takes, form, suffix)
        if into.exists():
            into.rmdir()
        waiting.chmod(0o755)
        waiting.rename(into)
    except OSError as error:
        raise DatasetError(
            f"{into} can't be written ({error.strerror}); make room or choose another"
        ) from None
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    return Exported(n_files, len(takes), into, _import_again(takes, form, suffix, options))


def _write_takes(takes: Sequence[Take], folder: Path, form: str, options: Options, advance: Advance) -> int:
    """Returns the number of files."""
    suffix, _, has_time, write = FORMATS[form]
    pieces: list[tuple[Take, str, Recording]] = []
    n_files = 0
    for number, take in enumerate(takes):
        advance(number, len(takes), take.name[-30:])
        item = recording.load(take.path)
        if item.kind == SOUND and form not in OF_SOUND:
            raise DatasetError(f"{take.path} is sound; --format takes {', '.join(OF_SOUND)} for it")
        for name, part in _parts(take, item, has_time):
            n_files += 1
            if write is None:
                pieces.append((take, name, part))
                continue
            path = folder / _folder(take, takes, form) / f"{_file_name(take, name, form)}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, part, options)
    if write is None:
        _write_parquet(folder / "dataset.parquet", pieces, options)
        return 1
    return n_files


def _parts(take: Take, item: Recording, has_time: bool) -> Iterator[tuple[str, Recording]]:
    name = take.name.replace("/", "_")
    bounds = [(start, stop) for start, stop in stretches(item) if stop > start]
    if has_time or len(bounds) < 2:
        yield name, item
        return
    for number, one in enumerate(bounds, start=1):
        yield f"{name}-{number:03d}", part_of(item, one)


def _folder(take: Take, takes: Sequence[Take], form: str) -> str:
    if form.startswith("edge-impulse"):
        return "."
    if not any(one.about.group for one in takes):
        return take.about.label
    return f"{take.about.group or NO_GROUP}/{take.about.label}"


def _file_name(take: Take, name: str, form: str) -> str:
    # Edge Impulse takes what is before the first dot for the label.
    return f"{take.about.label.replace('.', '-')}.{name}" if form.startswith("edge-impulse") else name


def _import_again(takes: Sequence[Take], form: str, suffix: str, options: Options) -> tuple[str, ...]:
    about = takes[0].about
    words: list[str] = []
    if form == "parquet":
        pass
    elif not form.startswith("edge-impulse"):
        grouped = any(take.about.group for take in takes)
        if grouped and not all(take.about.group for take in takes):
            words += ["--pattern", f"{NO_GROUP}/{{label}}/{{take}}{suffix}"]
        words += ["--pattern", ("{group}/" if grouped else "") + f"{{label}}/{{take}}{suffix}"]
    if about.kind == SOUND:
        return (*words, "--kind", "sound")
    words += ["--kind", "motion", "--range", f"{recording.FULL_SCALE / about.scale:g}"]
    words += ["--unit", f"{about.scale:g}/g" if options.unit == RAW else options.unit]
    if _has_gyro(about):
        words += ["--gyro-range", f"{recording.FULL_SCALE / about.gyro_scale:g}"]
        words += ["--gyro-unit", f"{about.gyro_scale:g}/dps" if options.unit == RAW else GYRO_UNIT]
        if form == "npy":
            words += ["--columns", ",".join(about.channels)]
    if form in ("csv", "parquet"):
        words += ["--resample", f"{about.rate_hz:.10g}"]
    elif form in ("npy", "wav"):
        words += ["--rate", f"{about.rate_hz:.10g}"]
    return (*words, *(("--hmac-key", options.hmac_key) if options.hmac_key else ()))


def _has_gyro(about: Description) -> bool:
    return any(channel in GYRO_CHANNELS for channel in about.channels)


def _values(item: Recording, options: Options) -> Any:
    """Counts, or numbers of nine digits in the unit: more than int16 has, so they come back the same."""
    if options.unit == RAW or item.kind == SOUND:
        return item.samples
    to_unit = [GYRO_TO_DPS if one in GYRO_CHANNELS else units.to_g(options.unit) for one in item.channels]
    wide = item.samples / (recording.scales(item) * np.array(to_unit))
    return np.array([[float(f"{value:.9g}") for value in row] for row in wide.tolist()]).reshape(wide.shape)


def _times_s(item: Recording) -> Any:
    """Seconds of each row from the first, gaps included."""
    index = np.arange(len(item.samples))
    for gap in item.gaps:
        index[gap.at :] += gap.lost if gap.at else 0
    return index / item.rate_hz


def _write_csv(path: Path, item: Recording, options: Options) -> None:
    values = _values(item, options).tolist()
    rows = (
        f"{1000 * second:.10g},{','.join(map(repr, row))}"
        for second, row in zip(_times_s(item).tolist(), values, strict=True)
    )
    path.write_text("\n".join([",".join(("timestamp", *item.channels)), *rows, ""]), encoding="utf-8")


def _write_npy(path: Path, item: Recording, options: Options) -> None:
    np.save(path, _values(item, options))


def _write_wav(path: Path, item: Recording, options: Options) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(item.samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(max(1, round(item.rate_hz)))
        file.writeframes(item.samples.astype("<i2").tobytes())


def _write_parquet(path: Path, pieces: Sequence[tuple[Take, str, Recording]], options: Options) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DatasetError("Parquet needs pyarrow: pip install 'midge[data]'") from None
    tables = []
    for take, name, item in pieces:
        n = len(item.samples)
        columns = {"time_s": _times_s(item)}
        columns |= dict(zip(item.channels, _values(item, options).T, strict=True))
        columns |= {"label": [item.label] * n, "group": [take.about.group] * n, "take": [name] * n}
        tables.append(pyarrow.table(columns))
    pyarrow.parquet.write_table(pyarrow.concat_tables(tables), path)


def _acquisition(item: Recording, options: Options) -> dict[str, Any]:
    """The content of an acquisition file, its signature zeros."""
    is_sound = item.kind == SOUND
    spelled = options.unit.replace("m/s^2", "m/s2") if options.unit != RAW else "N/A"
    turning = GYRO_UNIT if options.unit != RAW else "N/A"
    sensors = [
        {"name": "audio", "units": "wav"}
        if is_sound
        else {"name": f"gyr{channel[1:].upper()}", "units": turning}
        if channel in GYRO_CHANNELS
        else {"name": f"acc{channel.upper()}", "units": spelled}
        for channel in item.channels
    ]
    values = _values(item, options)
    return {
        "protected": {
            "ver": "v1",
            "alg": "none" if options.hmac_key is None else "HS256",
            "iat": int(datetime.now(UTC).timestamp()),
        },
        "signature": SIGNATURE,
        "payload": {
            "device_name": item.group or "midge",
            "device_type": item.board or item.sensor or "midge",
            "interval_ms": 1000 / item.rate_hz,
            "sensors": sensors,
            "values": values[:, 0].tolist() if is_sound else values.tolist(),
        },
    }


def _signed(data: bytes, options: Options) -> bytes:
    if options.hmac_key is None:
        return data
    signature = edge_impulse.sign(data, options.hmac_key)
    return data.replace(SIGNATURE.encode(), signature.encode(), 1)


def _write_json(path: Path, item: Recording, options: Options) -> None:
    text = json.dumps(_acquisition(item, options), separators=(",", ":"), ensure_ascii=False)
    path.write_bytes(_signed(text.encode(), options))


def _write_cbor(path: Path, item: Recording, options: Options) -> None:
    try:
        import cbor2
    except ImportError:
        raise DatasetError("CBOR needs cbor2: pip install 'midge[data]'") from None
    path.write_bytes(_signed(cbor2.dumps(_acquisition(item, options)), options))


def _write_labels(folder: Path, takes: Sequence[Take], form: str, suffix: str) -> None:
    """info.labels, as in Edge Impulse's own exports: labels with any letters, and groups."""
    by_name = {f"{_file_name(take, take.name.replace('/', '_'), form)}": take for take in takes}
    files = []
    for path in sorted(folder.glob(f"*{suffix}")):
        stem = path.name.removesuffix(suffix)
        take = by_name.get(stem) or by_name[stem.rpartition("-")[0]]
        group = {"metadata": {"group": take.about.group}} if take.about.group else {}
        label = {"type": "label", "label": take.about.label}
        name = stem.removeprefix(_file_name(take, "", form))
        files.append({"path": path.name, "name": name, "category": "training", "label": label, **group})
    text = json.dumps({"version": 1, "files": files}, ensure_ascii=False)
    (folder / edge_impulse.LABELS_FILE).write_text(text, encoding="utf-8")


# format → suffix, its customary unit, whether it has time stamps, how one file is written (None: one for all)
FORMATS: dict[str, tuple[str, str, bool, Callable[[Path, Recording, Options], None] | None]] = {
    "csv": (".csv", "g", True, _write_csv),
    "npy": (".npy", RAW, False, _write_npy),
    "wav": (".wav", RAW, False, _write_wav),
    "parquet": (".parquet", "g", True, None),
    "edge-impulse": (".json", "m/s^2", False, _write_json),
    "edge-impulse-cbor": (".cbor", "m/s^2", False, _write_cbor),
}
OF_SOUND = ("wav", "edge-impulse", "edge-impulse-cbor")
