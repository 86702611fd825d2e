"""MEMS microphones on an I2S bus: INMP441, SPH0645LM4H, ICS-43434. All give up to 24 bits, left in 32.

The contract that `sound_sampler.py` relies on:

    start(handler)    receive; handler(i2s) when a buffer that read_into was given is full
    stop()
    read_into(words)  fill array('i') `words` in the background; one buffer at a time
    rate_hz, range_g  the rate of the bus; full scale is 1
    shift             bits to the right that make canonical samples
    watermark         samples of a buffer
    capacity          samples that the port's ring holds while nobody reads
    granule           samples that come at once, and are lost at once when the ring is full
    NAME              as in the table
"""

# name → bits that speech leaves unused at the top: 94 dB SPL is 26 dB below full scale (datasheets)
MICROPHONES = {"inmp441": 3, "sph0645": 3, "ics43434": 3}

_WORD_BYTES = 4
_RING_MS = 250
_GRANULE = 32  # a DMA buffer of 256 bytes, two slots a frame


class I2SMicrophone:
    """One microphone, left slot (L/R or SEL pin low).

    Parameters
    ----------
    port : int
        of machine.I2S
    sck, ws, sd : machine.Pin
    rate_hz : int
    name : str
        a name of MICROPHONES
    """

    def __init__(self, port: int, sck, ws, sd, rate_hz: float, name: str = "inmp441") -> None:
        if name not in MICROPHONES:
            raise ValueError("microphone must be one of {}, not {}".format(sorted(MICROPHONES), name))
        if not 4000 <= rate_hz <= 48000:
            raise ValueError("{}: a rate of {:.6g} Hz; it has 4000 to 48000".format(name, rate_hz))
        self.NAME = name
        self.rate_hz = int(rate_hz + 0.5)
        self.range_g = 1
        self.shift = 16 - MICROPHONES[name]
        # About 15 ms, whole granules, and few enough for one message.
        self.watermark = min(7, max(1, int(rate_hz) // (70 * _GRANULE))) * _GRANULE
        self.granule = _GRANULE
        self.capacity = int(rate_hz) * _RING_MS // 1000 // _GRANULE * _GRANULE
        self._port = port
        self._pins = (sck, ws, sd)
        self._i2s: object = None

    def start(self, handler) -> None:
        from machine import I2S

        sck, ws, sd = self._pins
        i2s = I2S(
            self._port,
            sck=sck,
            ws=ws,
            sd=sd,
            mode=I2S.RX,
            bits=32,
            format=I2S.MONO,
            rate=self.rate_hz,
            ibuf=self.capacity * _WORD_BYTES,
        )
        i2s.irq(handler)
        self._i2s = i2s

    def stop(self) -> None:
        if self._i2s is not None:
            self._i2s.deinit()  # type: ignore[attr-defined]
            self._i2s = None

    def read_into(self, words) -> None:
        self._i2s.readinto(words)  # type: ignore[attr-defined]
