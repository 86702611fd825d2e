"""The board's control socket: JSON lines in, JSON lines out."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MidgeError

_READ_BYTES = 1 << 16


class Client:
    """One connection; answers go out in the order of the questions."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._received = bytearray()

    def lines(self) -> list[bytes] | None:
        """Whole lines that have come, or None at the end of the connection."""
        try:
            data = self.connection.recv(_READ_BYTES)
        except OSError:
            return None
        if not data:
            return None
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        return [bytes(line) for line in lines]

    def send(self, message: dict[str, Any]) -> None:
        """Send one line; a client that is gone is none of our business."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")


@dataclass(frozen=True)
class Question:
    """One line that a client sent; its answer carries the same id."""

    client: Client
    id: Any
    arguments: dict[str, Any]

    def answer(self, result: Any) -> None:
        """It is done."""
        self.client.send({"id": self.id, "result": result})

    def refuse(self, error: str) -> None:
        """It can't be done."""
        self.client.send({"id": self.id, "error": error})


LATER = object()  # what an operation returns that will answer by itself


class Control:
    """Listens on `path` and hands questions to `operations`: name → function(question) → result or LATER."""

    def __init__(self, path: Path, operations: dict[str, Callable[[Question], Any]]) -> None:
        self._operations = operations
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.listener.bind(str(path))
        except OSError as error:
            raise MidgeError(f"no control socket at {path} ({error}): use a shorter folder name") from error
        self.listener.listen()

    def accept(self) -> Client:
        """The client that has come."""
        return Client(self.listener.accept()[0])

    def answer(self, client: Client, line: bytes) -> None:
        """Do what one line asks for and answer it."""
        try:
            arguments = json.loads(line)
            question = Question(client, arguments["id"], arguments)
        except (ValueError, KeyError, TypeError):
            client.send({"id": None, "error": f"no question: {line[:80]!r}"})
            return
        operation = self._operations.get(arguments.get("op"))
        if operation is None:
            question.refuse(f"unknown question {line[:80]!r}")
            return
        try:
            result = operation(question)
        except (MidgeError, KeyError, ValueError, TypeError) as error:
            question.refuse(f"{arguments['op']}: {error}")
            return
        if result is not LATER:
            question.answer(result)
