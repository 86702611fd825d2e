"""What a board said when it refused or fell over, as errors that name the next step."""

from __future__ import annotations

from midge_device.wire import message as wire

from .errors import DeviceError

_ADVICE = {
    wire.BUSY: "wait for the stream or push under way to end, or reset the board",
    wire.NO_SPACE: "remove files from the board",
    wire.NO_MEMORY: "choose a smaller model",
    wire.WRONG_TARGET: "build for the board's target",
    wire.WRONG_ABI: "flash the board again",
    wire.SENSOR: "check the sensor's wiring, and that it can do this rate and range",
    wire.UNKNOWN: "flash the board again: its library is older than this midge",
    wire.INTERNAL: "flash the board again if it stays so",
}


def refusal(name: str, code: int, text: str) -> DeviceError:
    """The error of a NAK with this code and text from the board `name`."""
    word = wire.CODES.get(code, str(code))
    lines = text.strip().splitlines()
    because = f": {lines[-1]}" if lines else ""
    advice = _ADVICE.get(code, "try again")
    return DeviceError(f"{name} refused ({word}{because}); {advice}", code=code, traceback=text)


def no_app(name: str, said: str) -> DeviceError:
    """The error of a board that came back to its prompt; `said` is what it printed."""
    lines = [line.strip() for line in said.splitlines() if "Error" in line or "Exception" in line]
    last_error = f" ({lines[-1]})" if lines else ""
    return DeviceError(
        f"{name} came back to its >>> prompt: no midge app runs on it{last_error}; "
        "install one with: midge flash APP DEVICE",
        traceback=said,
    )
