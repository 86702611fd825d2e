"""What a search has found out so far, a line a result, so that it goes on where it was interrupted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def key_of(about: Mapping[str, Any]) -> str:
    """Digest of everything that results depend on."""
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Journal:
    """Results by name. A journal of another search is begun anew; a line that was torn is left out."""

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.results: dict[str, Any] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines and _read(lines[0]) == {"search": key}:
            for line in lines[1:]:
                entry = _read(line)
                if entry is not None:
                    self.results[entry["of"]] = entry["is"]
        # Written anew, so that what follows a torn line is whole again.
        temporary = path.with_suffix(".new")
        text = [json.dumps({"search": key}), *(_line(name, value) for name, value in self.results.items())]
        temporary.write_text("\n".join(text) + "\n", encoding="utf-8")
        temporary.replace(path)

    def add(self, name: str, result: Any) -> None:
        """Keep a result at once."""
        self.results[name] = result
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(name, result) + "\n")


def _line(name: str, result: Any) -> str:
    return json.dumps({"of": name, "is": result})


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
