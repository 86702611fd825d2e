"""Boards: facts first, then imu(rate_hz, range_g) → driver. A new board is one file of this shape.

Facts; what nobody has looked up or measured is left out. `midge` reads them without running the file.

NAME            as in /midge/config.json and the host's messages; the file's name
TITLE           as people call it
MICROPYTHON     its firmware at micropython.org/download
MACHINES        parts of what the firmware may call itself, if that is not MICROPYTHON
TARGET          the instruction set whose native modules the firmware loads, '' if it loads none
USB             ((vendor, product), …) of its serial port; BOOTLOADER: name of the drive that takes a .uf2
RAM_BYTES       of the chip, FLASH_BYTES of the board
BLE, WIFI, I2S  '' or what gives it: the firmware and its first version, as documented
SENSORS         chips on the board, by their names in drivers/; () takes what is found on the bus
MICROPHONE      '' or what there is
I2C_ID SDA_PIN SCL_PIN I2C_HZ INT1_PIN POWER_PIN     wiring of the bus that imu() uses
I2S_ID I2S_SCK_PIN I2S_WS_PIN I2S_SD_PIN MIC         port, pins and chip of a microphone
PDM_CLOCK_PIN PDM_DATA_PIN PDM_IS_HIGH MIC           the same of a PDM one: see drivers/pdm_rp2.py
AXES            which axis of the chip is x, y, z of the board's case, from 1, negative if opposite; None: not
                looked up, x y z are then the chip's own
CURRENTS        (what, milliampere, source), …
NOTE            what one should know before one buys it
SHOWN           what was shown to work on one, not only expected to
SOURCES         where the facts are from
"""


def open_bus(board: dict):
    """The I2C bus of the board with these facts; what its sensor needs is switched on."""
    from machine import I2C, Pin

    if "POWER_PIN" in board:
        Pin(board["POWER_PIN"], Pin.OUT, value=1)
        from time import sleep_ms

        sleep_ms(20)
    hz = board.get("I2C_HZ", 400_000)
    if "SDA_PIN" not in board:
        return I2C(board["I2C_ID"], freq=hz)
    return I2C(board["I2C_ID"], sda=Pin(board["SDA_PIN"]), scl=Pin(board["SCL_PIN"]), freq=hz)


def open_imu(board: dict, rate_hz: float, range_g: int):
    """The accelerometer of the board with these facts, nearest to this rate.

    Raises ValueError for what the chip can't do, OSError for a chip that isn't there.
    """
    from machine import Pin

    from midge_device import drivers

    int1 = Pin(board["INT1_PIN"], Pin.IN) if "INT1_PIN" in board else None
    return drivers.open_any(
        open_bus(board), board["SENSORS"] or None, rate_hz=rate_hz, range_g=range_g, int1=int1
    )


def open_mic(board: dict, wired, rate_hz: float):
    """The microphone at this rate: the board's, or one that was wired to it.

    wired: None, or of /midge/config.json {"id": port, "sck": pin, "ws": pin, "sd": pin, "name": chip}, or on
    RP2040 and RP2350 {"clock": pin, "data": pin, "high": 0 or 1, "name": chip} for PDM.
    Raises ValueError if there is none, or the chip can't do the rate.
    """
    from machine import Pin

    if not wired and "PDM_CLOCK_PIN" in board:
        wired = {"clock": board["PDM_CLOCK_PIN"], "data": board["PDM_DATA_PIN"], "name": board["MIC"]}
        wired["high"] = board["PDM_IS_HIGH"]
    if wired and "clock" in wired:
        from midge_device.drivers.pdm_rp2 import PDMMicrophone

        clock, data = Pin(wired["clock"]), Pin(wired["data"], Pin.IN)
        return PDMMicrophone(clock, data, rate_hz, wired.get("name", "mp34dt06j"), bool(wired.get("high")))
    from midge_device.drivers.i2s_microphone import I2SMicrophone

    if wired:
        port, pins, name = wired["id"], (wired["sck"], wired["ws"], wired["sd"]), wired.get("name", "inmp441")
    elif "I2S_SCK_PIN" in board:
        port, name = board["I2S_ID"], board["MIC"]
        pins = (board["I2S_SCK_PIN"], board["I2S_WS_PIN"], board["I2S_SD_PIN"])
    else:
        raise ValueError('no microphone on this board; wire one and say so: "mic" in /midge/config.json')
    sck, ws, sd = pins
    return I2SMicrophone(port, Pin(sck), Pin(ws), Pin(sd), rate_hz, name)


def mic_name(board: dict, wired) -> str:
    """The chip that `open_mic` would take, as far as anybody said; '' if there is none."""
    if wired:
        return wired.get("name", "microphone")
    return board.get("MIC", "")


def sensor_name(board: dict) -> str:
    """The chip that `open_imu` would take now, '' if none answers."""
    from midge_device import drivers

    try:
        found = drivers.find(open_bus(board), board["SENSORS"] or None)
    except (OSError, ValueError):
        return ""
    return found[0][0] if found else ""
