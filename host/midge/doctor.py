"""What a board can and what it lacks, each lack with what to do; asks at its raw REPL, changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midge_device import drivers, versions

from . import targets
from .board_facts import BoardFacts, KnownBoard, ask_facts, choose_board, known_boards
from .errors import DeviceError, TargetMismatch
from .mpremote_link import RawRepl

OK, NOTE, LACK = "ok", "note", "lack"
# What the library, the buffers of an app and a small model need.
SMALLEST_BLOCK_BYTES = 24 * 1024
SMALLEST_FLASH_BYTES = 96 * 1024

_MODULES = """
import sys
def _has(name, attribute=None):
    try:
        module = __import__(name)
    except ImportError:
        return False
    return attribute is None or hasattr(module, attribute)
_found = {'bluetooth': _has('bluetooth'), 'network': _has('network'), 'i2s': _has('machine', 'I2S'),
    'i2c': _has('machine', 'I2C'), 'hashlib': _has('hashlib')}
"""

# Only reads: an address nobody has is not written to.
_SCAN = """
from machine import I2C, Pin
_bus = _chips = None
_error = ''
try:
    {power}
    _bus = I2C({bus})
    _chips = []
    for _address, _register in {questions!r}:
        try:
            _chips.append((_address, _register, _bus.readfrom_mem(_address, _register, 1)[0]))
        except OSError as _failure:
            if _failure.errno == 110:
                _error = 'the bus hangs'
                break
    _bus = [] if _error else _bus.scan()
except Exception as _failure:
    _error = type(_failure).__name__ + ': ' + str(_failure)
    _bus = _bus if isinstance(_bus, list) else []
"""

# What midge has on the board: its configuration, slots, and whether its native part loads.
_INSTALLED = """
import json
_midge = {}
try:
    from midge_device.versions import LIBRARY
    _midge['library'] = LIBRARY
    from midge_device.slots import Slots, NAMES, STATE_NAMES
    _s = Slots()
    _midge['slots'] = {NAMES[i]: STATE_NAMES[_s.states[i]] for i in (0, 1)}
    _midge['active'] = NAMES[_s.active]
    _midge['why'] = _s.why()
    from midge_device import primitives
    _midge['native'] = primitives.NATIVE
except (ImportError, ValueError, OSError) as _failure:
    _midge['error'] = type(_failure).__name__ + ': ' + str(_failure)
try:
    with open('/midge/config.json') as _file:
        _midge['config'] = json.load(_file)
except (OSError, ValueError):
    pass
"""


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis: `state` is OK, NOTE or LACK; `advice` says what to do, '' if nothing."""

    state: str
    what: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All findings about the board at `device`."""

    device: str
    board: str
    findings: tuple[Finding, ...]

    @property
    def lacks(self) -> int:
        """How many things are missing."""
        return sum(finding.state == LACK for finding in self.findings)


def diagnose(device: str, *, board: str | None = None) -> Diagnosis:
    """Examine the board at `device`; its program is stopped meanwhile and started again.

    `board` names the board if neither firmware nor an install tell. Raises as `RawRepl`; DeviceError for an
    unknown name.
    """
    with RawRepl(device) as repl:
        facts = ask_facts(repl)
        repl.run(_MODULES)
        modules: Mapping[str, bool] = repl.value("_found")
        repl.run(_INSTALLED)
        installed: Mapping[str, Any] = json.loads(repl.run("print(json.dumps(_midge))"))
        known, unknown = _board(facts, board or installed.get("config", {}).get("board"), wanted=board)
        findings = [
            _firmware(facts),
            _known(known, unknown),
            _native(facts),
            _memory(facts),
            _flash(facts),
            *_modules(modules, known),
        ]
        if known is not None and modules["i2c"]:
            findings += _sensors(repl, known)
        findings += _installed(installed)
        repl.restart()
    return Diagnosis(device, known.name if known else "", tuple(findings))


def _board(facts: BoardFacts, name: str | None, *, wanted: str | None) -> tuple[KnownBoard | None, str]:
    if wanted is not None or name in known_boards():
        return choose_board(facts, name), ""
    try:
        return choose_board(facts, None), ""
    except DeviceError as error:
        return None, str(error)


def _firmware(facts: BoardFacts) -> Finding:
    version = ".".join(map(str, facts.version))
    if facts.is_new_enough:
        return Finding(OK, "firmware", f"MicroPython {version} ({facts.machine or facts.platform})")
    floor = ".".join(map(str, versions.MICROPYTHON_FLOOR))
    advice = f"install MicroPython {floor} or later: midge flash --micropython IMAGE DEVICE"
    return Finding(LACK, "firmware", f"MicroPython {version}", advice)


def _known(known: KnownBoard | None, unknown: str) -> Finding:
    if known is None:
        return Finding(LACK, "board", "not told by the firmware", unknown)
    return Finding(OK, "board", f"{known.name} ({known.constants.get('TITLE', known.name)})")


def _native(facts: BoardFacts) -> Finding:
    arch = facts.mpy >> 10 & 15
    if facts.target is not None:
        return Finding(OK, "native modules", facts.target.name)
    if not arch:
        return Finding(
            LACK,
            "native modules",
            "none: this firmware loads no native code",
            "install the board's official firmware from micropython.org; until then it records, "
            "but runs no model",
        )
    try:
        why = targets.by_arch(arch).missing
    except TargetMismatch as error:
        why = str(error)
    return Finding(LACK, "native modules", f".mpy arch {arch}", why)


def _memory(facts: BoardFacts) -> Finding:
    found = f"{facts.free_ram_bytes} bytes free, largest block {facts.max_alloc_bytes}"
    if facts.max_alloc_bytes >= SMALLEST_BLOCK_BYTES:
        return Finding(OK, "RAM", found)
    return Finding(
        LACK,
        "RAM",
        found,
        f"a model wants a block of {SMALLEST_BLOCK_BYTES} bytes: remove what boot.py imports, "
        "or set a smaller [budget] and train again",
    )


def _flash(facts: BoardFacts) -> Finding:
    found = f"{facts.free_flash_bytes} bytes free"
    if facts.free_flash_bytes >= SMALLEST_FLASH_BYTES:
        return Finding(OK, "file system", found)
    return Finding(
        LACK,
        "file system",
        found,
        f"midge and a model want {SMALLEST_FLASH_BYTES} bytes: remove files with mpremote fs rm",
    )


def _modules(modules: Mapping[str, bool], known: KnownBoard | None) -> list[Finding]:
    facts = known.constants if known else {}
    findings = []
    for name, what, key, use in (
        ("bluetooth", "BLE", "BLE", "a session over BLE"),
        ("network", "Wi-Fi", "WIFI", "MQTT"),
        ("i2s", "I2S", "I2S", "an I2S microphone"),
    ):
        if modules[name]:
            findings.append(Finding(OK, what, f"the firmware has {'machine.I2S' if name == 'i2s' else name}"))
            continue
        can = facts.get(key)
        advice = (
            f"the board has it ({can}): install its own firmware, {facts['MICROPYTHON']}"
            if can and facts.get("MICROPYTHON")
            else "use its serial line"
            if name == "bluetooth"
            else ""
        )
        findings.append(Finding(NOTE, what, f"not in this firmware; needed for {use} only", advice))
    return findings


def _sensors(repl: RawRepl, known: KnownBoard) -> list[Finding]:
    facts = known.constants
    questions = sorted({(at, chip[3]) for chip in drivers.CHIPS.values() for at in chip[2]})
    wires = {pin[:3].lower(): facts[pin] for pin in ("SDA_PIN", "SCL_PIN") if pin in facts}
    bus = ", ".join(
        [
            str(facts["I2C_ID"]),
            *(f"{wire}=Pin({pin!r})" for wire, pin in wires.items()),
            f"freq={facts.get('I2C_HZ', 400_000)}",
        ]
    )
    power = f"Pin({facts['POWER_PIN']!r}, Pin.OUT, value=1)" if "POWER_PIN" in facts else "pass"
    repl.run(_SCAN.format(power=power, bus=bus, questions=questions))
    error, addresses, answers = repl.value("(_error, _bus, _chips or [])")
    where = f"I2C({facts['I2C_ID']})" + (
        f", SDA {facts['SDA_PIN']}, SCL {facts['SCL_PIN']}" if "SDA_PIN" in facts else ""
    )
    if error:
        advice = "take the sensor off and try again; check pull-up resistors and that no wire touches another"
        return [Finding(LACK, "sensor", f"{where}: {error}", advice)]
    found = [
        (name, address)
        for name, (_, _, at, register, identities) in drivers.CHIPS.items()
        for address, asked, identity in answers
        if address in at and asked == register and identity in identities
    ]
    findings = [Finding(OK, "sensor", f"{name} at 0x{address:02x} on {where}") for name, address in found]
    missing = [name for name in facts["SENSORS"] if name not in [chip for chip, _ in found]]
    others = [address for address in addresses if address not in [at for _, at in found]]
    if missing or not findings:
        findings.append(_missing_sensor(missing, where, addresses, bool(facts["SENSORS"])))
    elif others:
        findings.append(
            Finding(
                NOTE, "other chips", ", ".join(f"0x{at:02x}" for at in others), "midge has no driver for them"
            )
        )
    return findings


def _missing_sensor(missing: Sequence[str], where: str, addresses: Sequence[int], on_board: bool) -> Finding:
    seen = f"; 0x{', 0x'.join(f'{at:02x}' for at in addresses)} answer" if addresses else "; nobody answers"
    what = f"no {' or '.join(missing)}" if missing else "no accelerometer that midge knows"
    advice = (
        "it is soldered there: is this the board? (--board)"
        if on_board
        else "connect one of "
        + ", ".join(drivers.CHIPS)
        + ": supply, ground, both wires, and the pins named here; docs/boards.md lists them"
    )
    return Finding(LACK, "sensor", f"{what} on {where}{seen}", advice)


def _installed(installed: Mapping[str, Any]) -> list[Finding]:
    if "library" not in installed:
        return [Finding(NOTE, "midge", "not installed", "midge flash APP DEVICE")]
    library = installed["library"]
    app = installed.get("config", {}).get("app") or "none"
    same = library == versions.LIBRARY
    findings = [
        Finding(
            OK if same else LACK,
            "midge",
            f"{library}, app {app}",
            "" if same else f"this midge is {versions.LIBRARY}: flash the board again",
        )
    ]
    if "error" in installed:
        findings.append(Finding(LACK, "midge", installed["error"], "flash the board again"))
        return findings
    if not installed["native"]:
        findings.append(
            Finding(
                NOTE,
                "primitives",
                "in Python, slow",
                "flash the board again if its firmware loads native code",
            )
        )
    slots = installed["slots"]
    text = ", ".join(f"{name} {state}" for name, state in slots.items())
    why = installed.get("why", "")
    if "bad" in slots.values():
        findings.append(
            Finding(LACK, "slots", f"{text} ({why})" if why else text, "midge push a model that fits")
        )
    elif set(slots.values()) == {"empty"}:
        findings.append(Finding(NOTE, "slots", text, "no model yet: midge train, then midge push"))
    else:
        findings.append(Finding(OK, "slots", f"{text}; {installed['active']} is active"))
    return findings
