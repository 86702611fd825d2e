"""A peripheral on the bare `bluetooth` module of MicroPython.

It answers each write reversed; 'flood N' makes it notify as fast as the stack takes it and tell how long that
took by its own clock.
"""

import json
import struct
import time

import bluetooth

NAME = "toy"
ble = bluetooth.BLE()
ble.active(True)
ble.config(gap_name=NAME, mtu=247)
log = []
connections = []
wanted = 0


def irq(event, data):
    global wanted  # noqa: PLW0603
    log.append(event)
    if event == 1:
        connections.append(data[0])
    elif event == 2:
        connections.remove(data[0])
        advertise()
    elif event == 3 and data[1] == rx:
        value = ble.gatts_read(rx)
        if value == b"log":
            ble.gatts_notify(data[0], tx, bytes(log))
            log.clear()
        elif value.startswith(b"flood"):
            wanted = int(value[6:])
        elif value == b"indicate":
            ble.gatts_indicate(data[0], temperature)
        else:
            ble.gatts_notify(data[0], tx, bytes(reversed(value)))


ble.irq(irq)
NUS = bluetooth.UUID("6E400001-B5A3-F393-E0A9-E50E24DCCA9E")
TX = bluetooth.UUID("6E400003-B5A3-F393-E0A9-E50E24DCCA9E")
RX = bluetooth.UUID("6E400002-B5A3-F393-E0A9-E50E24DCCA9E")
ENCRYPTED = 0x0200
((tx, rx), (temperature, name, secret)) = ble.gatts_register_services(
    (
        (NUS, ((TX, bluetooth.FLAG_NOTIFY), (RX, bluetooth.FLAG_WRITE | bluetooth.FLAG_WRITE_NO_RESPONSE))),
        (
            bluetooth.UUID(0x181A),
            (
                (
                    bluetooth.UUID(0x2A6E),
                    bluetooth.FLAG_READ | bluetooth.FLAG_INDICATE | bluetooth.FLAG_WRITE,
                    ((bluetooth.UUID(0x2901), bluetooth.FLAG_READ | bluetooth.FLAG_WRITE),),
                ),
                (bluetooth.UUID(0x2A6F), bluetooth.FLAG_READ | ENCRYPTED),
            ),
        ),
    )
)
ble.gatts_set_buffer(rx, 300)
ble.gatts_write(temperature, struct.pack("<h", 2150))
ble.gatts_write(name, b"room")
ble.gatts_write(secret, b"1234")


def advertise():
    name = bytes((len(NAME) + 1, 9)) + NAME.encode()
    ble.gap_advertise(
        20000,
        b"\x02\x01\x06\x05\x12\x06\x00\x0c\x00" + name,
        resp_data=b"\x11\x07" + bytes(NUS) + b"\x05\xff\xff\xffhi",
    )


advertise()


def flood(n):
    start_us = time.ticks_us()
    full = 0
    for number in range(n):
        while True:
            try:
                ble.gatts_notify(connections[0], tx, struct.pack("<I", number) + bytes(240))
                break
            except OSError as error:
                assert error.errno == 12, error
                full += 1
                time.sleep_ms(5)
    ble.gatts_notify(connections[0], tx, json.dumps([time.ticks_diff(time.ticks_us(), start_us), full]))


while True:
    if wanted and connections:
        n, wanted = wanted, 0
        flood(n)
    time.sleep_ms(5)
