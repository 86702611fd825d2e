"""Events to an MQTT broker, on boards with Wi-Fi: protocol 3.1.1, quality of service 0, nothing else.

Source: MQTT Version 3.1.1, OASIS Standard (§ below). No event is worth the sampling: a broker that is away is
tried again later, and the last events wait for it.
"""

import json
import socket
import time

_CONNECT = 0x10  # §3.1
_PUBLISH = 0x30  # §3.3
_CLEAN_SESSION = 0x02
_KEPT = 8  # events that wait while the broker is away
_RETRY_MS = 10_000
_TIMEOUT_S = 2  # for the broker's answer: as long the sensor's FIFO has to do alone, once in _RETRY_MS


def _text(text: str) -> bytes:
    """A string with its length, §1.5.3."""
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(kind: int, body: bytes) -> bytes:
    """A packet with its remaining length, §2.2.3."""
    length = len(body)
    head = bytearray([kind])
    while True:
        head.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(head) + body


def join_wifi(ssid: str, password: str):
    """Begin to join a network and return its interface; `isconnected()` tells when. Needs `network`."""
    import network

    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    if not wlan.isconnected():
        wlan.connect(ssid, password)
    return wlan


class Mqtt:
    """Publishes {"label": …, "score": …} for each event.

    Parameters
    ----------
    host, port : str, int
        the broker
    topic : str
    client : str
        the board's name at the broker
    user, password : str
    labels : tuple of str or None
        which events; None: all
    link
        what `join_wifi` returned, or None: connected already

    Attributes
    ----------
    sent, lost : int
    """

    def __init__(
        self, host, topic, client="midge", port=1883, user="", password="", labels=None, link=None
    ) -> None:
        self._host = host
        self._port = port
        self._topic = topic
        self._labels = labels
        self._link = link
        flags = _CLEAN_SESSION | (0xC0 if user else 0)
        # §3.1.2: name and level of the protocol, flags, no keep-alive: events are rare
        body = _text("MQTT") + bytes([4, flags, 0, 0]) + _text(client)
        if user:
            body += _text(user) + _text(password)
        self._hello = _packet(_CONNECT, body)
        self._is_connected = False
        self._socket: socket.socket = None  # type: ignore[assignment]  # there while connected
        self._waiting: list = []
        self._next_ms = time.ticks_ms()
        self.sent = 0
        self.lost = 0

    def __call__(self, label: str, score: float) -> None:
        """Send it, and what waited. Raises OSError once each time that the broker is gone."""
        if self._labels is not None and label not in self._labels:
            return
        if len(self._waiting) >= _KEPT:
            self._waiting.pop(0)
            self.lost += 1
        self._waiting.append(json.dumps({"label": label, "score": round(score, 3)}))
        if not self._is_connected and not self._connect():
            return
        try:
            while self._waiting:
                data = _packet(_PUBLISH, _text(self._topic) + self._waiting[0].encode())
                self._socket.write(data)
                self._waiting.pop(0)
                self.sent += 1
        except OSError:
            self._drop()
            raise

    def _connect(self) -> bool:
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, self._next_ms) < 0:
            return False
        if self._link is not None and not self._link.isconnected():
            return False
        self._next_ms = time.ticks_add(now_ms, _RETRY_MS)
        self._socket = socket.socket()
        try:
            self._socket.settimeout(_TIMEOUT_S)
            self._socket.connect(socket.getaddrinfo(self._host, self._port)[0][-1])
            self._socket.write(self._hello)
            answer = self._socket.read(4)  # CONNACK, §3.2
            if answer is None or len(answer) < 4 or answer[0] != 0x20:
                raise OSError("MQTT: no answer of the broker")
            if answer[3]:
                raise OSError("MQTT: the broker refuses, code {}".format(answer[3]))
        except OSError:
            self._drop()
            raise
        self._is_connected = True
        return True

    def _drop(self) -> None:
        self._is_connected = False
        self._socket.close()
