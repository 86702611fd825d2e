"""`bluetooth` as on a board; the stack is in the ether, behind the supervisor. A peripheral's calls only.

Events are told without allocating: an interrupt may come while the heap is locked.
"""

# mypy: ignore-errors

import channel
import json
from micropython import const

FLAG_BROADCAST = const(0x0001)
FLAG_READ = const(0x0002)
FLAG_WRITE_NO_RESPONSE = const(0x0004)
FLAG_WRITE = const(0x0008)
FLAG_NOTIFY = const(0x0010)
FLAG_INDICATE = const(0x0020)
FLAG_AUTHENTICATED_SIGNED_WRITE = const(0x0040)

_CENTRAL_CONNECT = const(1)
_CENTRAL_DISCONNECT = const(2)
_GATTS_WRITE = const(3)
_GATTS_INDICATE_DONE = const(20)
_MTU_EXCHANGED = const(21)
_CONNECTION_UPDATE = const(27)
_ENCRYPTION_UPDATE = const(28)
_EVENT_BYTES = const(16)
_EINVAL = const(22)
_ENODEV = const(19)


class UUID:
    def __init__(self, value):
        if isinstance(value, int):
            if not 0 <= value < 65536:
                raise ValueError("invalid UUID")
            self._data = bytes((value & 255, value >> 8))
        elif isinstance(value, str):
            digits = value.replace("-", "")
            if len(digits) != 32:
                raise ValueError("invalid UUID")
            self._data = bytes(int(digits[at : at + 2], 16) for at in range(30, -2, -2))
        elif isinstance(value, UUID):
            self._data = value._data
        else:
            self._data = bytes(value)
            if len(self._data) not in (2, 4, 16):
                raise ValueError("invalid UUID")

    def __len__(self):
        return len(self._data)

    def __iter__(self):
        return iter(self._data)

    def __eq__(self, other):
        return isinstance(other, UUID) and self._data == other._data

    def __hash__(self):
        return hash(self._data)

    def __lt__(self, other):
        return self._data < other._data

    def __repr__(self):
        if len(self._data) == 2:
            return "UUID(0x%s)" % self.text()
        return "UUID('%s')" % self.text()

    def text(self):
        """As in specifications: the most significant byte first."""
        digits = "".join("%02x" % byte for byte in reversed(self._data))
        if len(digits) != 32:
            return digits
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


_view = bytearray(_EVENT_BYTES)
_address = memoryview(_view)[4:10]
# Handlers unpack what they get; lists made once stand for the tuples of real ports.
_one = [0, 0, _address]
_two = [0, 0]
_three = [0, 0, 0]
_five = [0, 0, 0, 0, 0]


_value = bytearray(512)  # the longest that an attribute can be without more ado


def _make_room(n_bytes):
    global _value
    if n_bytes > len(_value):
        _value = bytearray(n_bytes)


def _word(at):
    return _view[at] | _view[at + 1] << 8


def _data(kind):
    if kind == _CENTRAL_CONNECT or kind == _CENTRAL_DISCONNECT:
        _one[0] = _word(1)
        _one[1] = _view[3]
        return _one
    if kind == _GATTS_INDICATE_DONE:
        _three[0] = _word(1)
        _three[1] = _word(3)
        _three[2] = _view[5]
        return _three
    if kind == _CONNECTION_UPDATE or kind == _ENCRYPTION_UPDATE:
        for i in range(5):
            _five[i] = _word(1 + 2 * i)
        return _five
    _two[0] = _word(1)
    _two[1] = _word(3)
    return _two


class BLE:
    _only = None

    def __new__(cls):
        if BLE._only is None:
            BLE._only = super().__new__(cls)
            BLE._only._start()
        return BLE._only

    def _start(self):
        self._handler = None
        self._is_active = False
        self._config = {"gap_name": b"MPY", "mtu": 256, "rxbuf": 512, "addr_mode": 1}

    def active(self, active=None):
        if active is not None:
            self._is_active = bool(active)
            if active:
                channel.handle(channel.RADIO_LINE, self._deliver, self)
            channel.call(channel.BLE, channel.BLE_ACTIVE, 1 if active else 0)
            if active:
                name = self._config["gap_name"]
                channel.call(channel.BLE, channel.BLE_CONFIG, 1, 0, name, len(name))
                channel.call(channel.BLE, channel.BLE_CONFIG, 0, self._config["mtu"])
        return self._is_active

    def _check(self):
        if not self._is_active:
            raise OSError(_ENODEV)

    def config(self, *names, **settings):
        if names:
            if settings or len(names) > 1:
                raise TypeError("either one name or settings")
            name = names[0]
            if name == "mac":
                self._check()
                address = bytearray(6)
                kind = channel.call(channel.BLE, channel.BLE_ADDRESS, 0, 0, None, 0, address, 6)
                return kind, bytes(address)
            if name not in self._config:
                raise ValueError("unknown config param")
            return self._config[name]
        for name, value in settings.items():
            if name == "gap_name":
                self._config[name] = value = value.encode() if isinstance(value, str) else bytes(value)
                if self._is_active:
                    channel.call(channel.BLE, channel.BLE_CONFIG, 1, 0, value, len(value))
            elif name == "mtu":
                if not 23 <= value <= 517:
                    raise OSError(_EINVAL)
                self._config[name] = value
                if self._is_active:
                    channel.call(channel.BLE, channel.BLE_CONFIG, 0, value)
            elif name in ("rxbuf", "addr_mode", "bond", "mitm", "io", "le_secure"):
                self._config[name] = value
            else:
                raise ValueError("unknown config param")

    def irq(self, handler):
        self._handler = handler

    def _deliver(self, _):
        while channel.call(channel.BLE, channel.BLE_NEXT, 0, 0, None, 0, _view, _EVENT_BYTES):
            if self._handler is not None:
                self._handler(_view[0], _data(_view[0]))

    def gap_advertise(self, interval_us, adv_data=None, *, resp_data=None, connectable=True):
        self._check()
        if interval_us is None:
            channel.call(channel.BLE, channel.BLE_ADVERTISE, -1)
            return
        # As on a board: without data, what was given before is used again.
        if adv_data is not None or resp_data is not None:
            self._advertised = (bytes(adv_data or b""), bytes(resp_data or b""))
        first, second = self._advertised
        if len(first) > 31 or len(second) > 31:
            raise OSError(_EINVAL)
        flags = (1 if connectable else 0) | len(first) << 1
        both = first + second
        channel.call(channel.BLE, channel.BLE_ADVERTISE, interval_us, flags, both, len(both))

    _advertised = (b"", b"")

    def gap_disconnect(self, conn_handle):
        self._check()
        try:
            channel.call(channel.BLE, channel.BLE_DISCONNECT, conn_handle)
        except OSError:
            return False
        return True

    def gatts_register_services(self, services_definition):
        self._check()
        wanted = []
        shape = []
        for uuid, characteristics in services_definition:
            made = []
            counts = []
            for about in characteristics:
                descriptors = about[2] if len(about) > 2 else ()
                made.append((about[0].text(), about[1], [(d[0].text(), d[1]) for d in descriptors]))
                counts.append(1 + len(descriptors))
            wanted.append((uuid.text(), made))
            shape.append(sum(counts))
        text = json.dumps(wanted).encode()
        found = bytearray(2 * sum(shape))
        into = len(found)
        channel.call(channel.BLE, channel.BLE_REGISTER, 0, 0, text, len(text), found if into else None, into)
        handles = [found[at] | found[at + 1] << 8 for at in range(0, len(found), 2)]
        result = []
        at = 0
        for n in shape:
            result.append(tuple(handles[at : at + n]))
            at += n
        return tuple(result)

    def gatts_read(self, value_handle):
        self._check()
        n = channel.call(channel.BLE, channel.BLE_READ, value_handle, 0, None, 0, _value, len(_value))
        return bytes(memoryview(_value)[:n])

    def gatts_write(self, value_handle, data, send_update=False):
        self._check()
        data = data.encode() if isinstance(data, str) else data
        send = 1 if send_update else 0
        _make_room(channel.size(data))
        channel.call(channel.BLE, channel.BLE_WRITE, value_handle, send, data, channel.size(data))

    def gatts_notify(self, conn_handle, value_handle, data=None):
        self._check()
        self._send(conn_handle, value_handle, data, 0)

    def gatts_indicate(self, conn_handle, value_handle, data=None):
        self._check()
        self._send(conn_handle, value_handle, data, 2)

    def _send(self, conn_handle, value_handle, data, flags):
        where = conn_handle | value_handle << 16
        if data is None:
            channel.call(channel.BLE, channel.BLE_NOTIFY, where, flags | 1)
            return
        data = data.encode() if isinstance(data, str) else data
        channel.call(channel.BLE, channel.BLE_NOTIFY, where, flags, data, channel.size(data))

    def gatts_set_buffer(self, value_handle, len, append=False):
        self._check()
        _make_room(len)
        channel.call(channel.BLE, channel.BLE_BUFFER, value_handle, (1 if append else 0) | len << 1)
