"""The flow on the board, wired: driver → sampler → model → decision → event, and the session beside it.

    from midge_device.pipeline import Pipeline

    Pipeline(on_event=lambda label, score: print(label)).run()

What the model needs (rate, range, window, decision) is read from it. Without a model the board records.
A sensor that fails and a line that is gone are reported and waited for, never fatal.
"""

import gc
import json
import sys
import time

import micropython

from midge_device import short_boots
from midge_device.boards import mic_name, open_mic
from midge_device.boot import boot_model
from midge_device.decision import NO_EVENT, Decision, from_info
from midge_device.keeper import Keeper
from midge_device.sampler import Sampler, check_rate
from midge_device.sessions import Sessions
from midge_device.slots import Slots
from midge_device.stream import Stream
from midge_device.transport.stdio import Stdio
from midge_device.welcome import payload
from midge_device.wire import message

CONFIG = "/midge/config.json"
_RETRY_MS = 1000  # between attempts to reach a sensor that fails
_OF_SOUND = 0  # the range that stands for a microphone
_IDLE_MS = 100  # longest wait, so that the session's clock is looked at
_MEASURE_SAMPLES = 1000  # after so many the measured rate is trusted


def _soft_reset() -> None:
    import machine

    machine.soft_reset()


class Pipeline:
    """An app: made once, then `run`.

    Parameters
    ----------
    on_event : callable or None
        on_event(label: str, score: float) after each decision; score is the smoothed one, 0 to 1
    board
        module with the board's facts; None: midge_device.boards.<name of /midge/config.json>

    Attributes
    ----------
    model : Model or None
        what runs
    trouble : str
        why nothing is measured or classified, '' if all is well
    """

    def __init__(self, on_event=None, board=None, transport=None, reset=_soft_reset) -> None:
        self._config = _read_config()
        self._slots = Slots()
        self.model = boot_model(self._slots, reset)  # first of all: modules need unbroken memory
        self.on_event = on_event
        self.reset = reset
        self.trouble = ""
        self._stream: Stream | None = None
        self._board = board or _board(self._config)
        lines = [transport or Stdio()]
        self._radio = None if transport else _radio(self._config)
        if self._radio is not None:
            lines.append(self._radio)
        self.session = Sessions(lines, self, self._slots)
        self._sampler: Sampler | None = None
        self.kept: Keeper = None  # type: ignore[assignment]  # the last seconds; there with a model only
        self._is_fresh = True
        self._born_ms = time.ticks_ms()
        self._retry_ms = time.ticks_ms()
        self._retry_due = False
        self._n = self._at = 0
        self._windows = 0
        self._winner = 0
        self._event = NO_EVENT
        self._is_runnable = False
        self._rate_checked = False
        self._decision: Decision = None  # type: ignore[assignment]  # there with a model only
        if self.model is not None and self.model.has_frontend:
            self._decision = from_info(self.model.info)
            self._is_runnable = True
            self._start_model()

    def run(self) -> None:
        """Sense, classify and talk for ever; ^C ends it."""
        try:
            while True:
                self.step()
        finally:
            _unlock_heap()
            self.session.close()

    def step(self) -> None:
        """One turn: what the line and the sensor have, then a wait for more."""
        if self._is_fresh and time.ticks_diff(time.ticks_ms(), self._born_ms) >= short_boots.SETTLED_MS:
            self._settle()
        self.session.poll()
        sampler = self._sampler
        if sampler is None:
            if self._retry_due and time.ticks_diff(time.ticks_ms(), self._retry_ms) >= 0:
                self._start_model()
            self.session.wait(_IDLE_MS)
            return
        try:
            if self._stream is not None:
                busy = self._record(self._stream)
            else:
                busy = self._classify(sampler)
        except OSError as error:
            self._lose_sensor(error)
            return
        if not busy and self._sampler is not None:
            wait_us = self._sampler.wait_us()
            if wait_us >= 1000:
                self.session.wait(min(wait_us // 1000, _IDLE_MS))
            elif wait_us > 0:
                time.sleep_us(wait_us)

    def _settle(self) -> None:
        """This boot was no short one: the app runs, or a host has found the board."""
        if self._is_fresh:
            self._is_fresh = False
            short_boots.settled()

    # inference

    def _start_model(self) -> None:
        """The sensor as the model wants it. Trouble is kept and told; a missing chip is tried again."""
        self._retry_due = False
        info = self.model.info
        try:
            is_sound = info["unit"] == "FS"
            if len(info["channels"]) > 3:
                raise ValueError(
                    "the model reads a gyroscope, drivers read x y z; train it with these channels"
                )
            sampler = self._open(info["rate_hz"], _OF_SOUND if is_sound else info["range_g"])
            self.model.reset()
            self._decision.reset()
            self._rate_checked = False
            self.kept = Keeper(sampler, info["rate_hz"])
            sampler.start()
        except (ValueError, MemoryError) as error:
            self._tell("sensor: {}".format(error))
        except OSError as error:
            self._lose_sensor(error)
        else:
            self._sampler = sampler
            if self.trouble:
                self._tell("")
                self.session.log("midge: the sensor is back")

    def _open(self, rate_hz: float, range_g: int) -> Sampler:
        """A sampler for this rate and range; ValueError if the sensor can't, OSError if it is not there."""
        self._n = self._at = 0
        # What was kept of another sampler is nobody's any more; a microphone's ring needs room in one piece.
        self.kept = None  # type: ignore[assignment]
        gc.collect()
        if range_g == _OF_SOUND:
            from midge_device.sound_sampler import SoundSampler  # who measures motion saves the memory

            driver = open_mic(self._board.__dict__, self._config.get("mic"), rate_hz)
            check_rate(driver.rate_hz, rate_hz)
            return SoundSampler(driver)  # type: ignore[return-value]
        driver = self._board.imu(rate_hz, range_g)
        check_rate(driver.rate_hz, rate_hz)
        return Sampler(driver, self._board.AXES or (1, 2, 3))

    def _lose_sensor(self, error: OSError) -> None:
        """The chip does not answer: say so once, try again later."""
        self._sampler = None
        if self._stream is not None:
            self._end_stream()
        trouble = "sensor: {}".format(error)
        if self.trouble:
            self.trouble = trouble  # told already that it is gone
        else:
            self._tell(trouble)
        if self._is_runnable:
            self._retry_due = True
            self._retry_ms = time.ticks_add(time.ticks_ms(), _RETRY_MS)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self.session.log("midge: " + trouble)
        self.trouble = trouble

    def _classify(self, sampler: Sampler) -> bool:
        """One block, or the rest of one up to the next window; True if there was something to do."""
        micropython.heap_lock()
        try:
            is_window = self._advance(sampler)
        finally:
            micropython.heap_unlock()
        if is_window:
            self._report()
        elif not self._n:
            return False
        if not self._rate_checked and sampler.samples >= _MEASURE_SAMPLES:
            self._check_measured_rate(sampler)
        return True

    def _advance(self, sampler: Sampler) -> bool:
        """From the FIFO to a decision, without allocating; True if a window was classified."""
        model = self.model
        if self._at >= self._n:
            self._at = 0
            self.kept.before_poll(sampler)
            self._n = sampler.poll()
            if not self._n:
                return False
            self.kept.after_poll(sampler)
            if sampler.gap:  # no window straddles a gap
                model.reset()
                self._decision.reset()
        while self._at < self._n:
            taken = model.push(sampler.block, self._at, self._n)
            if taken <= 0:
                raise RuntimeError  # a module that takes nothing: its state was written over
            self._at += taken
            if model.ready():
                self._winner = model.predict()
                self._windows = (self._windows + 1) & 0x3FFFFFFF
                self._event = self._decision.update(model.scores)
                return True
        return False

    def _report(self) -> None:
        """Tell host and app of the window just classified."""
        session = self.session
        now_ms = time.ticks_ms()
        if session.wants_scores:
            scores = bytes(self.model.scores)
            session.send(message.SCORES, now_ms, self._windows, self._winner, tail=scores)
        event = self._event
        if event == NO_EVENT:
            return
        score = self._decision.score
        session.send(message.EVENT, now_ms, event, score, self._windows)
        if self.on_event is not None:
            try:
                info = self.model.info
                self.on_event(info["labels"][event], score / info["score_scale"])
            except Exception as error:  # the app's mistake must not stop the board
                session.log("on_event: {}: {}".format(type(error).__name__, error))

    def _check_measured_rate(self, sampler: Sampler) -> None:
        self._rate_checked = True
        try:
            check_rate(sampler.clock.rate_mhz / 1000, self.model.info["rate_hz"])
        except ValueError as error:
            sampler.stop()
            self._sampler = None
            self._tell("sensor: {}".format(error))

    # recording

    @property
    def is_streaming(self) -> bool:
        """True while samples go to a host instead of the model."""
        return self._stream is not None

    def start_stream(self, rate_mhz: int, range_g: int, n_samples: int, coding: int = message.INT16) -> None:
        """Stream instead of classifying. Raises ValueError or OSError if the sensor can't."""
        if self._sampler is not None:
            self._sampler.stop()
        if self._stream is not None:
            self._end_stream()
        self._sampler = None
        self._retry_due = False
        try:
            sampler = self._open(rate_mhz / 1000, range_g)
            self._stream = Stream(self.session.send, sampler, n_samples, coding)
            sampler.start()
        except (ValueError, OSError, MemoryError):
            self._stream = None
            self._resume()
            raise
        self._sampler = sampler

    def stop_stream(self) -> None:
        """End the stream, if there is one, and go on with the model."""
        if self._stream is not None:
            if self._sampler is not None:
                try:
                    self._sampler.stop()
                except OSError:
                    pass  # what matters is that the host hears of the end
            self._end_stream()
            self._resume()

    def _end_stream(self) -> None:
        stream = self._stream
        self._stream = self._sampler = None
        stream.end()  # type: ignore[union-attr]

    def _resume(self) -> None:
        if self._is_runnable:
            self._start_model()

    def _record(self, stream: Stream) -> bool:
        """Send the next block; True if there was one."""
        busy = stream.send_next()
        if stream.is_over:
            self.stop_stream()
        return busy

    # what the session asks

    def status(self) -> tuple:
        """Fields of STATUS."""
        sampler = self._sampler
        return (
            time.ticks_ms(),
            gc.mem_free(),
            self._windows,
            sampler.samples if sampler else 0,
            self._stream.dropped if self._stream else sampler.lost if sampler else 0,
            sampler.overruns if sampler else 0,
        )

    def welcome(self) -> bytes:
        """Payload of WELCOME."""
        self._settle()
        radio_name = self._radio.name if self._radio else ""
        about = {"app": self._config.get("app", ""), "trouble": self.trouble, "ble": radio_name}
        about["mic"] = mic_name(self._board.__dict__, self._config.get("mic"))
        return payload(about, self._board, self._sampler, self.model, self._slots)


def _unlock_heap() -> None:
    """Undo a heap lock that ^C hit before its `try` was entered; heap_unlock() tells how many are left."""
    micropython.heap_lock()
    while micropython.heap_unlock():
        pass


def _read_config() -> dict:
    try:
        with open(CONFIG) as file:
            return json.load(file)
    except OSError:
        return {}


def _radio(config: dict):
    """The line through the air, if the configuration wants one and the firmware has it."""
    if not config.get("ble"):
        return None
    from midge_device.transport.ble import open_beside  # a board without a radio saves the memory

    return open_beside(config, print)


def _board(config: dict):
    name = config.get("board")
    if not name:
        raise ValueError(CONFIG + ' lacks {"board": NAME}; write it, or run midge flash')
    module = "midge_device.boards." + name
    __import__(module)
    return sys.modules[module]
