"""Bytes over Bluetooth: the Nordic UART Service on the firmware's own `bluetooth`, one central at a time.

A notification carries as much of a frame as the MTU allows, so several samples each. The stack's buffers fill
faster than the air empties them: ENOMEM means later, not never.
"""

import binascii
import struct
import time

from micropython import const

# Nordic UART Service; seen from the board, which notifies on TX.
SERVICE = "6E400001-B5A3-F393-E0A9-E50E24DCCA9E"
RX = "6E400002-B5A3-F393-E0A9-E50E24DCCA9E"
TX = "6E400003-B5A3-F393-E0A9-E50E24DCCA9E"

MTU = 247  # one packet on the air with data length extension: 251 bytes less the L2CAP header
RX_BYTES = 512  # two frames from the host
ADVERTISE_US = 100_000
# What the host is asked for, in units of 1.25 ms: 7.5 to 15 ms.
INTERVAL_MIN = 6
INTERVAL_MAX = 12
# A host that went out of reach comes back to its session within this time.
RETURN_MS = 20_000

_HEADER_BYTES = const(3)  # of a notification, within the MTU
_SHORTEST_MTU = const(23)
_ENOMEM = const(12)
_PATIENT_MS = const(40)  # more than two connection events: ENOMEM is no reason to drop a frame
_SLICE_MS = const(5)
_LONGEST_PAUSE_MS = const(8)

_CENTRAL_CONNECT = const(1)
_CENTRAL_DISCONNECT = const(2)
_GATTS_WRITE = const(3)
_MTU_EXCHANGED = const(21)

_AD_FLAGS = b"\x02\x01\x06"  # general discoverable, no BR/EDR
_AD_NAME = const(0x09)
_AD_UUID128 = const(0x07)
_AD_INTERVALS = const(0x12)
_AD_MANUFACTURER = const(0xFF)
_NO_COMPANY = b"\xff\xff"  # the number that no company has
_AD_MOST_BYTES = const(31)


def name_of(unique_id: bytes) -> str:
    """A name for a board that has none: `midge-` and four digits that stay the same."""
    return "midge-{:04x}".format(binascii.crc32(unique_id) & 0xFFFF)


def _element(kind: int, data: bytes, room: int) -> bytes:
    data = data[: room - 2]
    return bytes((len(data) + 1, kind)) + data


def advertisement(name: str) -> bytes:
    """Advertising data: flags, the connection interval asked for, the name."""
    intervals = struct.pack("<HH", INTERVAL_MIN, INTERVAL_MAX)
    head = _AD_FLAGS + _element(_AD_INTERVALS, intervals, 6)
    return head + _element(_AD_NAME, name.encode(), _AD_MOST_BYTES - len(head))


def scan_response(service: bytes, app: str) -> bytes:
    """What a scanner gets when it asks: the service, and the app's name after the number of no company."""
    head = _element(_AD_UUID128, service, 18)
    return head + _element(_AD_MANUFACTURER, _NO_COMPANY + app.encode(), _AD_MOST_BYTES - len(head))


class Ble:
    """The board as a peripheral, from construction on. Raises ImportError if the firmware has no Bluetooth.

    Attributes
    ----------
    name : str
        as advertised
    is_ready : bool
        a central is connected
    is_console : bool
        False: 0x03 is no ^C here
    links : int
        how often a central has connected
    dropped : int
        frames that did not go out whole
    silence_ms : int
        a session outlives a lost link by so much
    """

    def __init__(self, name: str, app: str = "", clock=time) -> None:
        import bluetooth

        self.name = name
        self.is_ready = False
        self.is_console = False
        self.links = 0
        self.dropped = 0
        self.silence_ms = RETURN_MS
        self._time = clock
        self._connection = 0
        self._room = _SHORTEST_MTU - _HEADER_BYTES
        self._has_data = False
        self._must_advertise = True
        self._ble = ble = bluetooth.BLE()
        ble.active(True)
        ble.config(gap_name=name, mtu=MTU)
        ble.irq(self._irq)
        service = bluetooth.UUID(SERVICE)
        tx = (bluetooth.UUID(TX), bluetooth.FLAG_NOTIFY)
        rx = (bluetooth.UUID(RX), bluetooth.FLAG_WRITE | bluetooth.FLAG_WRITE_NO_RESPONSE)
        ((self._tx, self._rx),) = ble.gatts_register_services(((service, (tx, rx)),))
        ble.gatts_set_buffer(self._rx, RX_BYTES, True)
        self._advertised = advertisement(name)
        self._response = scan_response(bytes(service), app)
        self._advertise()

    def _irq(self, event: int, data) -> None:
        # May run while the heap is locked: nothing is made here.
        if event == _GATTS_WRITE:
            self._has_data = True
        elif event == _CENTRAL_CONNECT:
            self._connection = data[0]
            self._room = _SHORTEST_MTU - _HEADER_BYTES
            self.links = (self.links + 1) & 0xFFFF
            self.is_ready = True
        elif event == _CENTRAL_DISCONNECT:
            self.is_ready = False
            self._must_advertise = True
        elif event == _MTU_EXCHANGED:
            self._room = data[1] - _HEADER_BYTES

    def _advertise(self) -> None:
        self._must_advertise = False
        self._ble.gap_advertise(ADVERTISE_US, self._advertised, resp_data=self._response)

    def wait(self, timeout_ms: int) -> bool:
        """Idle until there is something to read, at most `timeout_ms`; tells whether there is."""
        while timeout_ms > 0 and not self._has_data:
            self._time.sleep_ms(min(timeout_ms, _SLICE_MS))
            timeout_ms -= _SLICE_MS
        return self._has_data

    def read(self) -> bytes:
        """What has come; b'' if nothing."""
        if self._must_advertise and not self.is_ready:
            try:
                self._advertise()
            except OSError:
                self._must_advertise = True  # the stack still takes the last connection down
        if not self._has_data:
            return b""
        self._has_data = False
        return self._ble.gatts_read(self._rx)

    def write(self, frame, n: int, patience_ms: int) -> bool:
        """Send the first n bytes of `frame`; False if the link is gone or was full for too long."""
        if not self.is_ready:
            return False
        patience_ms = max(patience_ms, _PATIENT_MS)
        view = memoryview(frame)
        at = 0
        full_ms = -1
        pause_ms = 1
        while at < n:
            piece = view[at : min(n, at + self._room)]
            try:
                self._ble.gatts_notify(self._connection, self._tx, piece)
            except OSError as error:
                now_ms = self._time.ticks_ms()
                if full_ms < 0:
                    full_ms = now_ms
                late = self._time.ticks_diff(now_ms, full_ms) >= patience_ms
                if error.errno != _ENOMEM or not self.is_ready or late:
                    self.dropped += 1
                    return False
                self._time.sleep_ms(pause_ms)
                pause_ms = min(2 * pause_ms, _LONGEST_PAUSE_MS)
            else:
                at += len(piece)
                full_ms = -1
                pause_ms = 1
        return True

    def opened(self) -> None:
        """A session has begun; the line is nobody else's anyway."""

    def closed(self) -> None:
        """The session is over; the link stays as long as the host wants it."""


def open_beside(config: dict, log):
    """The radio as configured (`"ble": true` or a name), or None: this firmware has none."""
    import machine

    wanted = config["ble"]

    name = wanted if isinstance(wanted, str) else name_of(machine.unique_id())
    try:
        return Ble(name, config.get("app", ""))
    except ImportError:
        log("midge: this firmware has no bluetooth; the board is on its serial port only")
    except OSError as error:
        log("midge: bluetooth: {}".format(error))
    return None
