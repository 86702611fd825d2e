"""A Pico in the foreground: firmware from a UF2, a terminal on a pty, flash that outlives the process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from midge_device.boards import rpi_pico

from ...errors import MidgeError
from .. import chips
from ..console import Console
from ..motion import Motion
from ..registry import RUN_PREFIX, Claim, Running
from ..scene import Scene
from .bus import SensorBus

# The emulator reaches some millions of instructions a second, a Pico 133 millions: whoever talks to it waits.
PATIENCE = 100.0
_TURN_S = 0.002
_AHEAD_NS = 20_000_000  # how far the board may run ahead of the wall clock while it idles
_UF2_BLOCK = struct.Struct("<8I476sI")
_UF2_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_FLASH_START = 0x10000000


def end_of_firmware(image: Path) -> int:
    """Where in flash, in bytes from its start, the file system may begin at the earliest.

    Format: https://github.com/microsoft/uf2. Raises MidgeError for a file that is no UF2 of an RP2040.
    """
    try:
        data = image.read_bytes()
    except OSError as error:
        raise MidgeError(f"{image}: {error.strerror}; give the UF2 file of a Pico's firmware") from None
    end = 0
    for at in range(0, len(data) - _UF2_BLOCK.size + 1, _UF2_BLOCK.size):
        first, second, _flags, address, n_bytes, _block, _blocks, _family, _payload, last = (
            _UF2_BLOCK.unpack_from(data, at)
        )
        if (first, second, last) != _UF2_MAGIC:
            raise MidgeError(f"{image} is no UF2 file; download the firmware of RPI_PICO again")
        end = max(end, address + n_bytes - _FLASH_START)
    if not 0 < end <= rpi_pico.FLASH_BYTES:
        raise MidgeError(f"{image} is no firmware for the flash of a Pico; give the UF2 of RPI_PICO")
    return -(-end // 4096) * 4096


class Pico:
    """The emulated board between its console and its sensor."""

    def __init__(
        self, image: Path, flash: Path, console: Console, chip: str | None, scene: Scene | None
    ) -> None:
        """Raises MidgeError if the emulator isn't there or the image is none."""
        try:
            from rp2040py.boards import BoardSpec
            from rp2040py.device import MicroPythonDevice
        except ImportError:
            raise MidgeError("an emulated Pico needs rp2040py: pip install 'midge[pico]'") from None
        self._files_at = end_of_firmware(image)
        self._flash = flash
        self._console = console
        self._device: Any = MicroPythonDevice(board=BoardSpec(image=image))
        mcu = self._device.mcu
        if flash.exists():
            files = flash.read_bytes()
            mcu.flash[self._files_at : self._files_at + len(files)] = files
        motion = Motion()
        if scene is not None:
            motion.play(scene, 0)
        if chip is not None:
            SensorBus(mcu, chips.make(chip, motion, 0), rpi_pico.I2C_ID, rpi_pico.INT1_PIN)
        self._input = bytearray()
        self._device.cdc.on_serial_data = lambda data: console.send(bytes(data))
        # Idle time is skipped: an alarm stops the emulator, so that it waits for the wall.
        self._pacer = mcu.clock.create_alarm(self._pace)
        self._start_s = time.monotonic()
        self._start_ns = mcu.clock.nanos
        self.is_stopping = False

    def _ahead_ns(self) -> float:
        board_ns = self._device.mcu.clock.nanos - self._start_ns
        return float(board_ns - (time.monotonic() - self._start_s) * 1e9)

    def _pace(self) -> None:
        self._device.simulator.stop()

    async def run(self) -> None:
        """Run until `is_stopping`, then keep the files."""
        simulator = self._device.simulator
        simulator.bind_loop()
        tasks = [asyncio.ensure_future(self._device.astart(None)), asyncio.ensure_future(self._serve_line())]
        try:
            while not self.is_stopping:
                await self._turn(simulator)
        finally:
            for task in tasks:
                task.cancel()
            simulator.stop()
            self.keep_files()

    async def _turn(self, simulator: Any) -> None:
        self._pacer.schedule(_AHEAD_NS)
        if simulator.stopped:
            await simulator.execute()
        else:
            await asyncio.sleep(_TURN_S)
        ahead_ns = self._ahead_ns()
        if ahead_ns > 0:
            await asyncio.sleep(ahead_ns / 1e9)
        else:
            # Lost time is not caught up: a board that computed goes on at the pace of the wall.
            self._start_s, self._start_ns = time.monotonic(), self._device.mcu.clock.nanos

    async def _serve_line(self) -> None:
        console, fifo = self._console, self._device.cdc.tx_fifo
        while True:
            if console.has_client or console.look():
                console.flush()
                self._input += console.receive()
            while self._input and not fifo.full:
                fifo.push(self._input.pop(0))
            await asyncio.sleep(_TURN_S)

    def keep_files(self) -> None:
        """Write the part of the flash behind the firmware to its file, whole or not at all."""
        temporary = self._flash.with_suffix(".new")
        temporary.write_bytes(self._device.mcu.flash[self._files_at : rpi_pico.FLASH_BYTES])
        temporary.replace(self._flash)


def run_named(
    name: str, on_ready: Callable[[Running], None], *, image: Path, chip: str | None, scene: Scene | None
) -> None:
    """Run a Pico under the name `name` until ^C or SIGTERM. Raises MidgeError if it can't start."""
    claim = Claim(name)
    run_folder = Path(tempfile.mkdtemp(prefix=RUN_PREFIX))
    try:
        console = Console(run_folder / "tty")
        pico = Pico(image, claim.flash_folder.parent / "pico.flash", console, chip, scene)
        running = Running(
            name,
            str(console.path),
            str(run_folder / "control"),
            str(claim.flash_folder),
            os.getpid(),
            PATIENCE,
        )
        claim.announce(running)
        on_ready(running)

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, lambda: setattr(pico, "is_stopping", True))
            await pico.run()

        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(serve())
        console.close()
    finally:
        claim.release()
        shutil.rmtree(run_folder, ignore_errors=True)
