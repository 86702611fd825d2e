"""A bleak program as its documentation shows them; it knows nothing of midge."""

import asyncio
import json
import sys

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakCharacteristicNotFoundError, BleakDeviceNotFoundError, BleakError

NUS, RX, TX, TEMPERATURE = sys.argv[1:5]


async def main():
    told = {}
    device = await BleakScanner.find_device_by_filter(
        lambda device, data: NUS in data.service_uuids and data.local_name == "toy", timeout=30
    )
    seen = await BleakScanner.discover(timeout=0.3, return_adv=True)
    data = seen[device.address][1]
    told["name"] = data.local_name
    told["manufacturer"] = data.manufacturer_data[0xFFFF].decode()
    none = await BleakScanner.find_device_by_name("nobody", timeout=0.2)
    told["nobody"] = none is None
    async with BleakScanner(service_uuids=["0000180d-0000-1000-8000-00805f9b34fb"]) as scanner:
        await asyncio.sleep(0.1)
        told["filtered"] = len(scanner.discovered_devices)
    gone = asyncio.Event()
    heard = asyncio.Queue()
    async with BleakClient(device.address, lambda _client: gone.set(), timeout=30) as client:
        told["mtu"] = client.mtu_size
        told["connected"] = client.is_connected
        told["services"] = sorted(service.uuid for service in client.services)
        rx = client.services.get_characteristic(RX)
        told["properties"] = sorted(rx.properties)
        told["room"] = rx.max_write_without_response_size
        told["read"] = (await client.read_gatt_char(TEMPERATURE)).hex()
        descriptors = client.services.get_characteristic(TEMPERATURE).descriptors
        (descriptor,) = [one for one in descriptors if one.uuid.startswith("00002901")]
        told["descriptor"] = (await client.read_gatt_descriptor(descriptor.handle)).decode()
        await client.write_gatt_descriptor(descriptor.handle, b"hall")
        told["written descriptor"] = (await client.read_gatt_descriptor(descriptor.handle)).decode()
        await client.start_notify(TX, lambda _characteristic, data: heard.put_nowait(bytes(data)))
        answers = []
        for response in (False, True):
            await client.write_gatt_char(RX, b"abc" if response else bytes(range(200)), response=response)
            answers.append((await heard.get()).hex())
        told["answers"] = answers
        await client.start_notify(TEMPERATURE, lambda _characteristic, data: heard.put_nowait(bytes(data)))
        await client.write_gatt_char(RX, b"indicate", response=True)
        told["indicated"] = (await heard.get()).hex()
        await client.stop_notify(TX)
        await client.write_gatt_char(RX, b"unheard", response=True)
        await client.read_gatt_char(TEMPERATURE)
        told["after stop"] = heard.qsize()
        try:
            await client.read_gatt_char("0000ffff-0000-1000-8000-00805f9b34fb")
        except BleakCharacteristicNotFoundError:
            told["unknown"] = True
    await asyncio.wait_for(gone.wait(), 30)
    told["after"] = client.is_connected
    try:
        await client.read_gatt_char(TEMPERATURE)
    except BleakError:
        told["unconnected"] = True
    try:
        await BleakClient("C0:00:00:00:00:01", timeout=0.2).connect()
    except BleakDeviceNotFoundError:
        told["absent"] = True
    print(json.dumps(told))


asyncio.run(main())
