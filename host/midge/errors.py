"""Every error that midge raises on purpose, in one tree.

    MidgeError
    ├── TransportError          the line to the board
    │   ├── DeviceNotFound
    │   └── TransportLost
    ├── ProtocolError           what came over the line
    │   ├── FrameError
    │   ├── VersionMismatch
    │   └── ReplyTimeout
    ├── DeviceError             the board refused or failed; carries its code and traceback
    ├── RecipeError             app.toml
    ├── DatasetError            recordings
    ├── CompileError            estimator → C → .mpy
    │   ├── UnsupportedModel
    │   ├── ToolchainMissing
    │   └── LinkError
    └── ModelError              a model that must not run, or is not there
        ├── ModelNotFound
        ├── TargetMismatch
        ├── BudgetExceeded
        ├── ParityError
        └── SignatureError

A message is one line: what happened, then what to do next. Code decides by type and attributes, never by
message text.
"""

from __future__ import annotations


class MidgeError(Exception):
    """Root of all errors midge raises on purpose; the command line prints it as one line."""


class TransportError(MidgeError):
    """The line to the board failed."""


class DeviceNotFound(TransportError):
    """No board answers at the address given."""


class TransportLost(TransportError):
    """The board went away in the middle of something."""


class ProtocolError(MidgeError):
    """The other end said something that the protocol does not allow."""


class FrameError(ProtocolError):
    """A frame that is not whole: bad COBS, bad length or bad CRC-32."""


class VersionMismatch(ProtocolError):
    """The two ends speak different versions; both numbers are in the message."""


class ReplyTimeout(ProtocolError):
    """The board is there and did not answer in time."""


class DeviceError(MidgeError):
    """The board refused or failed.

    Attributes
    ----------
    code : int
        one of the codes in `midge_device.wire.message`
    traceback : str
        the board's own traceback, or ''
    """

    def __init__(self, message: str, code: int = 0, traceback: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.traceback = traceback


class RecipeError(MidgeError):
    """app.toml is missing something or says something impossible."""


class DatasetError(MidgeError):
    """A recording or a dataset that can't be used; the message names file and row."""


class CompileError(MidgeError):
    """The way from estimator to .mpy failed."""


class UnsupportedModel(CompileError):
    """The estimator, or one of its options, can't be compiled; the message names the part."""


class ToolchainMissing(CompileError):
    """A compiler is needed for this target and is not there."""


class LinkError(CompileError):
    """The linked image is not one that a .mpy can hold."""


class ModelError(MidgeError):
    """A model that must not run."""


class ModelNotFound(ModelError):
    """The app has no model yet."""


class TargetMismatch(ModelError):
    """The module was built for another instruction set or ABI than the board's."""


class BudgetExceeded(ModelError):
    """The model is larger or slower than the recipe's budget, or than the board has room for."""


class ParityError(ModelError):
    """Two of estimator, reference, C and board disagree where they must not."""


class SignatureError(ModelError):
    """The module's digest or signature is not the one announced."""
