"""What a board's program has asked of its radio and still holds, so that it can be asked of another one."""

from __future__ import annotations

from typing import Any

_KEPT = {"active", "config", "register", "advertise", "buffer", "write"}


class Asked:
    """The calls that made the radio what it is, in order, the latest of each kind."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, Any], tuple[dict[str, Any], bytes]] = {}

    def note(self, fields: dict[str, Any], blob: bytes) -> None:
        """A call that was done."""
        name = str(fields["op"])
        if name not in _KEPT:
            return
        if name == "active" and not fields["on"]:
            self._calls.clear()
            return
        if name == "register":  # other services: values and buffers begin anew
            self._calls = {
                key: call for key, call in self._calls.items() if key[0] not in ("buffer", "write")
            }
        key = (name, fields.get("handle", fields.get("key")))
        self._calls.pop(key, None)
        self._calls[key] = ({**fields, "send": False} if name == "write" else fields, blob)

    def connected(self) -> None:
        """A central has connected, which ends the advertising."""
        self._calls.pop(("advertise", None), None)

    def all(self) -> list[tuple[dict[str, Any], bytes]]:
        """The calls, as fields and blob."""
        return [*self._calls.values()]
