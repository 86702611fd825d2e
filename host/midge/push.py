"""Brings a model onto a board while its app runs, and sees to it that the board really runs it.

The module goes into the slot that is not in use, in acknowledged chunks; a broken line is taken up where it
broke. Activation is a soft reset: the board tries the new module, tests it on golden rows, and keeps it or
goes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from midge_device import versions
from midge_device.wire import message as wire

from . import targets
from .build import build, find
from .driver_channels import check_channels
from .errors import (
    BudgetExceeded,
    DeviceError,
    MidgeError,
    ModelError,
    ParityError,
    ProtocolError,
    ReplyTimeout,
    SignatureError,
    TargetMismatch,
    TransportLost,
    VersionMismatch,
)
from .messages import Welcome
from .model_file import Model
from .progress import Advance
from .session import Session, connect

# Times that a push is taken up again before the line is called unusable.
RESUMES = 5

_REFUSALS: dict[int, type[MidgeError]] = {
    wire.WRONG_TARGET: TargetMismatch,
    wire.WRONG_ABI: VersionMismatch,
    wire.NO_SPACE: BudgetExceeded,
    wire.NO_MEMORY: BudgetExceeded,
    wire.BAD_DIGEST: SignatureError,
}


@dataclass(frozen=True)
class Pushed:
    """A model that now runs on a board, confirmed by it.

    Attributes
    ----------
    name, digest, target : str
        of the model, and what it was built for
    module_bytes, state_bytes : int
        its size: the module's file, the caller's buffer
    sent_bytes : int
        bytes that went over the line; less than the module and its test if part of it was there
    app : str
        what the board runs: a model may be of another app
    was_there : bool
        True if the board ran this model already and nothing was sent
    """

    name: str
    digest: str
    target: str
    module_bytes: int
    state_bytes: int
    sent_bytes: int
    was_there: bool = False
    app: str = ""


@dataclass(frozen=True)
class Package:
    """What is sent: the module and the rows that the board tests it on."""

    name: str
    digest: str
    target: str
    module: bytes
    test: bytes
    state_bytes: int


def package(model: Model, welcome: Welcome) -> Package:
    """Build `model` for the board that said `welcome`.

    Raises VersionMismatch, TargetMismatch, BudgetExceeded before anything is sent, and what the build raises.
    """
    if welcome.abi != versions.MODULE_ABI:
        raise VersionMismatch(versions.mismatch("module ABI", versions.MODULE_ABI, welcome.abi))
    target = board_target(welcome)
    check_sensor(model)
    built = build(model, target)
    if len(built.mpy) + len(built.test_blob) > welcome.free_flash_bytes:
        raise BudgetExceeded(
            f"{model.name} is {len(built.mpy)} bytes, the board has {welcome.free_flash_bytes} left; "
            "remove files from the board or train a smaller model"
        )
    # While a model runs nobody knows what will be free without it: the board tries, and goes back if it must.
    # Without one, what is free now is free at the next boot, when the module is the first to be loaded.
    ram_bytes = built.module_bytes + built.state_bytes
    if welcome.model is None and ram_bytes > max(welcome.max_alloc_bytes, welcome.free_ram_bytes):
        raise BudgetExceeded(
            f"{model.name} needs {ram_bytes} bytes of RAM, the board has {welcome.free_ram_bytes} left; "
            "train a smaller model"
        )
    return Package(model.name, model.digest, target.name, built.mpy, built.test_blob, built.state_bytes)


def check_sensor(model: Model) -> None:
    """Raise TargetMismatch for a model whose channels no driver reads."""
    if model.frontend:
        check_channels(model.name, model.frontend.channels)


def board_target(welcome: Welcome) -> targets.Target:
    """The target of the board's firmware; raises TargetMismatch if midge builds no native code for it."""
    arch = (welcome.mpy >> 10) & 15
    target = targets.by_arch(arch)
    if target.missing:
        raise TargetMismatch(target.missing)
    return target


def push(
    device: str,
    what: str,
    *,
    force: bool = False,
    on_progress: Advance | None = None,
    open_session: Callable[[str], Session] = connect,
) -> Pushed:
    """Build the model of `what` for the board at `device`, send it, activate it, and check that it runs.

    Without `force` a board that runs this very model already is left alone, and a model of another app than
    the board's raises ModelError. Raises ParityError if the board tried the model and went back to the old
    one; otherwise as `package` and `send`.
    """
    model = find(what).model
    with open_session(device) as session:
        welcome = session.welcome
    if not force and welcome.model is not None and welcome.model.get("digest") == model.digest:
        target = board_target(welcome)
        return Pushed(model.name, model.digest, target.name, 0, 0, 0, True, welcome.app)
    if not force:
        _check_app(model, welcome, device)
    parcel = package(model, welcome)  # takes seconds: the session is closed meanwhile
    with open_session(device) as session:
        sent_bytes = send(session, parcel, on_progress=on_progress)
        activate(session, parcel)
    return Pushed(
        parcel.name,
        parcel.digest,
        parcel.target,
        len(parcel.module),
        parcel.state_bytes,
        sent_bytes,
        app=welcome.app,
    )


def _check_app(model: Model, welcome: Welcome, device: str) -> None:
    """Raises ModelError for a model of another app; with the labels of what runs there its name is free."""
    is_of_app = not welcome.app or model.name == welcome.app
    knows_labels = tuple((welcome.model or {}).get("labels") or ()) == tuple(model.labels)
    if not (is_of_app or knows_labels):
        raise ModelError(
            f"{device} has the app {welcome.app}, and {model.name} is a model of another app "
            f"({', '.join(model.labels)[:120]}): midge flash {model.name} {device} brings that app, "
            "--force sends the model alone"
        )


def send(session: Session, parcel: Package, *, on_progress: Advance | None = None) -> int:
    """Send module and test rows into the slot that is not in use; returns the bytes that went over the line.

    Raises TransportLost or ReplyTimeout when the line breaks for good, TargetMismatch, VersionMismatch,
    BudgetExceeded or SignatureError when the board refuses, DeviceError otherwise.
    """
    total = len(parcel.module) + len(parcel.test)
    sent_bytes = 0
    for number, data, before in (
        (wire.FILE_MODULE, parcel.module, 0),
        (wire.FILE_TEST, parcel.test, len(parcel.module)),
    ):

        def advance(done: int, before: int = before) -> None:
            if on_progress is not None:
                on_progress(before + done, total, f"{before + done} of {total} bytes")

        sent_bytes += _send_file(session, number, data, advance)
    return sent_bytes


def _send_file(session: Session, number: int, data: bytes, advance: Callable[[int], None]) -> int:
    sent_bytes = resumes = 0
    while True:
        try:
            offset = session.request(wire.PUSH_BEGIN, number, len(data), hashlib.sha256(data).digest())
            advance(offset)
            while offset < len(data):
                chunk = data[offset : offset + wire.CHUNK_BYTES]
                offset = session.request(wire.PUSH_CHUNK, offset, tail=chunk)
                sent_bytes += len(chunk)
                resumes = 0  # a line that breaks again and again still gets there
                advance(offset)
            session.request(wire.PUSH_COMMIT, number)
            return sent_bytes
        except (TransportLost, ReplyTimeout):
            resumes += 1
            if resumes > RESUMES:
                raise
            session.reopen()
        except DeviceError as error:
            resumes += 1
            # The chunk before arrived and its ACK did not: PUSH_BEGIN tells where to go on.
            if error.code == wire.BAD_OFFSET and resumes <= RESUMES:
                continue
            raise _translated(error) from error


def activate(session: Session, parcel: Package) -> Welcome:
    """Let the board boot the model that was sent; returns its new WELCOME once the model is confirmed.

    Raises ParityError if the board went back to what it ran before, DeviceError if it refused.
    """
    try:
        session.request(wire.ACTIVATE)
    except ReplyTimeout:
        pass  # it may have reset before its ACK was out: what it runs afterwards tells
    except DeviceError as error:
        raise _translated(error) from error
    welcome = session.reopen()
    running = welcome.model or {}
    if running.get("digest") != parcel.digest:
        now = f"runs {running.get('name')} {running.get('digest')}" if running else "runs no model"
        raise ParityError(
            f"{session.transport.name} tried {parcel.name} {parcel.digest}, rejected it{rejection(welcome)} "
            f"and {now}; train it again, or choose another model"
        )
    state = _state_of_active_slot(welcome)
    if state not in ("", "confirmed"):
        raise ProtocolError(
            f"{session.transport.name} runs {parcel.name} as {state}, not confirmed; reset the board and "
            "look again with midge devices"
        )
    return welcome


def rejection(welcome: Welcome) -> str:
    """Why the board gave up the last model it tried, in brackets; '' if it does not say."""
    why = welcome.slots.get("why")
    return f" ({why})" if why else ""


def _state_of_active_slot(welcome: Welcome) -> str:
    return str(welcome.slots.get(str(welcome.slots.get("active"))) or "")


def _translated(error: DeviceError) -> MidgeError:
    kind = _REFUSALS.get(error.code)
    return error if kind is None else kind(*error.args)
