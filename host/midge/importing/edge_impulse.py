"""Edge Impulse acquisition files, JSON and CBOR, and their HMAC-SHA256 signatures.

Format: https://docs.edgeimpulse.com/tools/specifications/data-acquisition/json-cbor
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from . import columns as column_names
from .heads import Head
from .table import Table
from .text import Options

SUFFIXES = (".json", ".cbor")
SIGNATURE_CHARS = 64
LABELS_FILE = "info.labels"
_SHOWN_ROWS = 50


def decode(data: bytes, where: str, *, is_cbor: bool) -> Any:
    """The content of a JSON or CBOR file; raises DatasetError."""
    if not is_cbor:
        try:
            return json.loads(data)
        except UnicodeDecodeError as error:
            row = data.count(b"\n", 0, error.start) + 1
            raise DatasetError(f"{where} row {row}: it is not UTF-8; --skip-bad leaves it out") from None
        except (ValueError, RecursionError) as error:
            row = getattr(error, "lineno", 1)
            raise DatasetError(
                f"{where} row {row}: not whole JSON ({str(error)[:80]}); --skip-bad leaves it out"
            ) from None
    try:
        import cbor2
    except ImportError:
        raise DatasetError("CBOR needs cbor2: pip install 'midge[data]'") from None
    try:
        return cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: not whole CBOR ({str(error)[:80]}); --skip-bad leaves it out") from None


def is_acquisition(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("payload"), dict) and "protected" in content


def read(path: Path, where: str, options: Options, hmac_key: str | None = None) -> Table:
    """One acquisition file; raises DatasetError, also for a signature that is not `hmac_key`'s."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{where}: can't be read ({error.strerror}); check its rights") from None
    if not data:
        raise DatasetError(f"{where}: it is empty; --skip-bad leaves it out")
    content = decode(data, where, is_cbor=path.suffix.lower() == ".cbor")
    if not is_acquisition(content):
        raise DatasetError(f"{where}: no Edge Impulse acquisition file: no protected and payload")
    payload = content["payload"]
    trust = verify(data, content, where, hmac_key)
    try:
        names = tuple(str(sensor["name"]) for sensor in payload["sensors"])
        sensor_units = tuple(str(sensor.get("units", "")) for sensor in payload["sensors"])
        interval_ms = float(payload["interval_ms"])
        values = payload["values"]
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{where}: its payload lacks {error}; --skip-bad leaves it out") from None
    if not (interval_ms >= 0 and np.isfinite(interval_ms)):
        raise DatasetError(f"{where}: interval_ms is {interval_ms:g}; it must be above 0")
    # 16.949152542372882 ms is 59 Hz.
    rate_hz = float(f"{1000 / interval_ms:.10g}") if interval_ms > 0 else None
    if not isinstance(values, list) or not values:
        raise DatasetError(f"{where}: holds no samples; --skip-bad leaves it out")
    rows = values if isinstance(values[0], list) else [[value] for value in values]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(names):
            n = len(row) if isinstance(row, list) else 1
            raise DatasetError(
                f"{where} row {number}: {n} values, {len(names)} sensors; --skip-bad leaves it out"
            )
    try:
        wide = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        wide = np.full((len(rows), len(names)), np.nan)
    bad = np.flatnonzero(~np.isfinite(wide).all(axis=1))
    if len(bad):
        raise DatasetError(f"{where} row {bad[0] + 1}: a value is not a number; --skip-bad leaves it out")
    what = f"Edge Impulse {'CBOR' if path.suffix.lower() == '.cbor' else 'JSON'}, {', '.join(names)}; {trust}"
    label = path.name.split(".")[0]
    numbers = np.arange(1, len(rows) + 1)
    if len(names) == 1 and (sensor_units[0] == "wav" or names[0].lower() in ("audio", "microphone", "sound")):
        pcm = np.clip(np.rint(wide[:, 0]), -32768, 32767).astype(np.int16)
        return Table(
            wide / 32768,
            numbers,
            rate_hz=rate_hz,
            unit="FS",
            kind="sound",
            label=label,
            says=(what,),
            pcm=pcm,
        )
    head = Head(names, tuple(map(tuple, wide[:_SHOWN_ROWS].tolist())), sensor_units)
    chosen = column_names.resolve(
        options.spec, head, where, fill_axes=options.fill_axes, has_gyro=options.has_gyro
    )
    samples = np.stack([np.zeros(len(wide)) if at is None else wide[:, at] for at in chosen.values], axis=1)
    stamps = None if chosen.time is None or rate_hz else wide[:, chosen.time]
    return Table(
        samples, numbers, stamps=stamps, stamp_unit=chosen.time_unit, rate_hz=rate_hz, unit=chosen.unit,
        gyro_unit=chosen.gyro_unit, label=label, says=(what, *chosen.says),
    )  # fmt: skip


def verify(data: bytes, content: Mapping[str, Any], where: str, hmac_key: str | None) -> str:
    """What is known of the signature, in words; raises DatasetError if it is wrong.

    It is the HMAC-SHA256 of the very bytes of the file with zeros in its own place.
    """
    protected, signature = content.get("protected"), content.get("signature")
    algorithm = protected.get("alg") if isinstance(protected, dict) else None
    if algorithm == "none":
        if hmac_key is not None:
            raise DatasetError(f"{where}: it is not signed; leave --hmac-key out to take it all the same")
        return "not signed"
    if hmac_key is None:
        return "signed, not verified (--hmac-key)"
    if algorithm != "HS256" or not isinstance(signature, str) or len(signature) != SIGNATURE_CHARS:
        raise DatasetError(
            f"{where}: its signature is {algorithm!r}, not HS256; leave --hmac-key out to take it"
        )
    zeroed = data.replace(signature.encode(), b"0" * SIGNATURE_CHARS, 1)
    if not hmac.compare_digest(sign(zeroed, hmac_key), signature):
        raise DatasetError(
            f"{where}: its signature is not of this --hmac-key: another key, or the file was changed; "
            "--skip-bad leaves it out"
        )
    return "signature verified"


def sign(zeroed: bytes, hmac_key: str) -> str:
    """Signature of a file that has 64 zeros in its place."""
    return hmac.new(hmac_key.encode(), zeroed, hashlib.sha256).hexdigest()
