"""A part of a model file, read key by key with types and limits checked."""

from __future__ import annotations

from typing import Any

from .errors import ModelError


class JsonPart:
    """A JSON object. Raises ModelError, naming itself, for a key that is missing or wrong."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise ModelError(f"{where} is not an object; train the model again")
        self.data, self.where = data, where

    def get(self, key: str, *kinds: type) -> Any:
        value = self.data.get(key, ...)
        if value is ... or not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise ModelError(f"{self.where}: {key} must be {names}; train the model again")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        value = self.get(key, int, float)
        if not low <= value <= high:
            raise ModelError(f"{self.where}: {key} is {value}; it must be {low} to {high}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.get(key, int)
        if not low <= value <= high:
            raise ModelError(f"{self.where}: {key} is {value}; it must be {low} to {high}")
        return int(value)

    def strings(self, key: str) -> tuple[str, ...]:
        value = self.get(key, list)
        if not all(isinstance(item, str) for item in value):
            raise ModelError(f"{self.where}: {key} must be strings; train the model again")
        return tuple(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        value = self.get(key, list)
        if not all(isinstance(item, int | float) and abs(item) < 1e300 for item in value):
            raise ModelError(f"{self.where}: {key} must be numbers; train the model again")
        return tuple(float(item) for item in value)
