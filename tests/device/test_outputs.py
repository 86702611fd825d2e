"""What events do: a pin, a log that never fills the flash, an MQTT broker; none of them stops the app."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from midge.mpremote_link import RawRepl
from midge.session import connect
from midge.virtual import Scene, VirtualBoard

from .conftest import Build, install, put_model, run, values


class Broker:
    """As much of an MQTT 3.1.1 broker as takes messages, written from the standard."""

    def __init__(self, code: int = 0) -> None:
        self.messages: list[tuple[str, str]] = []
        self.clients: list[str] = []
        self.arrived = threading.Condition()
        self._code = code
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as stream:
                while head := stream.read(1):
                    length, shift = 0, 0
                    while True:
                        byte = stream.read(1)[0]
                        length |= (byte & 0x7F) << shift
                        shift += 7
                        if byte < 0x80:
                            break
                    self._take(client, head[0], stream.read(length))

    def _take(self, client: socket.socket, kind: int, body: bytes) -> None:
        n = int.from_bytes(body[:2], "big")
        name = body[2 : 2 + n].decode()
        with self.arrived:
            if kind == 0x10:
                assert (name, body[6], body[8:10]) == ("MQTT", 4, b"\0\0")
                self.clients.append(body[12 : 12 + int.from_bytes(body[10:12], "big")].decode())
                client.sendall(bytes([0x20, 2, 0, self._code]))
            else:
                assert kind == 0x30
                self.messages.append((name, body[2 + n :].decode()))
            self.arrived.notify_all()

    def wait_for(self, n: int) -> list[tuple[str, str]]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.messages) >= n, timeout=20)
            return list(self.messages)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def broker() -> Iterator[Broker]:
    it = Broker()
    yield it
    it.close()


def test_a_pulse_begins_and_ends(board: VirtualBoard) -> None:
    levels = values(
        board,
        """
import time
from machine import Pin
from midge_device.outputs.pulse import Pulse
pulse = Pulse(5, labels=('circle',), ms=100)
pin = Pin(5)
def look():
    print(pin.value())
look()
pulse('swipe', 0.9)
look()
pulse('circle', 0.9)
look()
time.sleep_ms(60)
pulse('circle', 0.9)
time.sleep_ms(60)
look()
time.sleep_ms(60)
look()
""",
    )
    assert levels == [0, 0, 1, 1, 0]


LOG = "from midge_device.outputs.event_log import EventLog\n"


def test_the_log_survives_resets_and_counts_on(board: VirtualBoard) -> None:
    run(board, LOG + "log = EventLog(folder='/')\nlog('circle', 0.75)\nlog('a,b', 1)")
    rows = run(
        board, LOG + "log = EventLog(folder='/')\nlog('shake', 0.5)\nfor r in log.rows():\n    print(r)"
    )
    fields = [eval(line) for line in rows.splitlines()]
    assert [(number, label, score) for number, _, label, score in fields] == [
        (0, "circle", 0.75),
        (1, "a b", 1.0),
        (2, "shake", 0.5),
    ]


def test_the_log_never_takes_more_than_its_room_and_keeps_the_newest(board: VirtualBoard) -> None:
    sizes = values(
        board,
        LOG
        + """
import os
os.mkdir('/kept')
log = EventLog(1024, '/kept')
most = 0
for n in range(200):
    log('circle', n / 200)
    total = 0
    for name in ('events0.csv', 'events1.csv'):
        try:
            total += os.stat('/kept/' + name)[6]
        except OSError:
            pass
    most = max(most, total)
kept = [row[0] for row in log.rows()]
print(most)
print(kept)
print(log.lost)
""",
    )
    most, kept, lost = sizes
    assert most <= 1024
    assert kept == list(range(kept[0], 200))
    assert len(kept) >= 10
    assert lost == 0


def test_a_torn_line_costs_itself_only(board: VirtualBoard) -> None:
    (board.folder / "events0.csv").write_bytes(b"7,1,circle,0.500\n8,1,cir")
    (board.folder / "events1.csv").write_bytes(b"\xff\xfe garbage\n")
    try:
        rows = run(
            board,
            LOG + "log = EventLog(folder='/')\nlog('x', 1)\nfor r in log.rows():\n    print(r[0], r[2])",
        )
    finally:
        for half in (0, 1):
            (board.folder / f"events{half}.csv").unlink()
    assert rows.splitlines() == ["7 circle", "8 x"]


def test_a_full_flash_costs_events_and_nothing_else(board: VirtualBoard) -> None:
    code = LOG + "log = EventLog(folder='/')\nfor n in range(3):\n    log('x', 1)\nprint(log.lost)"
    board.set_flash_bytes(1)
    try:
        assert run(board, code) == "3"
    finally:
        board.set_flash_bytes(2 * 1024 * 1024)


def test_every_output_has_its_turn(board: VirtualBoard) -> None:
    said = run(
        board,
        """
from midge_device.outputs import Outputs
def fails(label, score):
    raise OSError('first')
def prints(label, score):
    print(label, score)
try:
    Outputs(fails, prints, fails, prints)('circle', 0.5)
except OSError as error:
    print(error)
""",
    )
    assert said.splitlines() == ["circle 0.5", "circle 0.5", "first"]


def mqtt(port: int) -> str:
    return f"""
from midge_device.outputs.mqtt import Mqtt
mqtt = Mqtt('127.0.0.1', 'midge/desk', client='desk', port={port})
def tell(label):
    try:
        mqtt(label, 0.625)
        print('sent', mqtt.sent, mqtt.lost)
    except OSError as error:
        print(error)
"""


def test_mqtt_publishes(board: VirtualBoard, broker: Broker) -> None:
    assert run(board, mqtt(broker.port) + "tell('circle')\ntell('s' * 200)").splitlines()[-1] == "sent 2 0"
    (topic, first), (_, long) = broker.wait_for(2)
    assert (topic, json.loads(first)) == ("midge/desk", {"label": "circle", "score": 0.625})
    assert json.loads(long)["label"] == "s" * 200
    assert broker.clients == ["desk"]


def test_mqtt_without_a_broker_waits_and_sends_the_newest_later(board: VirtualBoard, broker: Broker) -> None:
    nobody = socket.create_server(("127.0.0.1", 0))
    port = nobody.getsockname()[1]
    nobody.close()
    said = run(
        board,
        mqtt(port)
        + f"""
import time
for n in range(12):
    tell('e%d' % n)
time.sleep_ms(11000)
mqtt._port = {broker.port}
tell('last')
""",
    ).splitlines()
    assert "ECONNREFUSED" in said[0] or said[0] == "[Errno 111] ECONNREFUSED"
    assert said[1:12] == [f"sent 0 {max(0, n - 7)}" for n in range(1, 12)]
    assert said[12] == "sent 8 5"
    labels = [json.loads(text)["label"] for _, text in broker.wait_for(8)]
    assert labels == ["e5", "e6", "e7", "e8", "e9", "e10", "e11", "last"]


def test_mqtt_that_is_refused_says_so(board: VirtualBoard) -> None:
    refusing = Broker(code=5)
    try:
        assert run(board, mqtt(refusing.port) + "tell('x')") == "MQTT: the broker refuses, code 5"
    finally:
        refusing.close()


APP = """from midge_device.outputs import Outputs
from midge_device.outputs.event_log import EventLog
from midge_device.outputs.mqtt import Mqtt
from midge_device.outputs.pulse import Pulse
from midge_device.pipeline import Pipeline

def broken(label, score):
    raise ValueError("mine")

outputs = Outputs(broken, Pulse(7, ms=60000), EventLog(), Mqtt("127.0.0.1", "t", port=PORT))
Pipeline(on_event=outputs).run()
"""


def test_an_app_does_all_of_it_without_a_host(build_model: Build, broker: Broker) -> None:
    """Autostart, no host, a tilt: pin, log and broker have it, though one output always fails."""
    tilted = np.zeros((2, 3))
    tilted[:, 0] = 0.9
    with VirtualBoard() as board:
        install(board.folder, APP.replace("PORT", str(broker.port)))
        put_model(board.folder, build_model())
        board.reset("hard")
        board.play(Scene(tilted, 100.0, loop=True))
        ((topic, text), *_) = broker.wait_for(1)
        assert (topic, json.loads(text)["label"]) == ("t", "tilt")
        assert board.pin(7) == 1
        board.attach_sensor(False)  # a dead sensor, then a full flash: the app is there all the same
        board.set_flash_bytes(1)
        with connect("serial:" + board.tty) as session:
            session.idle(0.5)
            assert session.welcome.app == "test"
        board.attach_sensor(True)
        n = len(broker.messages)
        broker.wait_for(n + 1)
        board.set_flash_bytes(2 * 1024 * 1024)
        with RawRepl("serial:" + board.tty) as repl:
            kept = repl.run(LOG + "for r in EventLog().rows():\n    print(r[2])").split()
    assert "tilt" in kept
