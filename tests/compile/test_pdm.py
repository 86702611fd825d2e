"""The decimator of one-bit sound: scipy as oracle, its twin in Python, the same bits on every target."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import signal

from midge import targets
from midge.compile import link_kernels, module_glue, toolchain
from midge.compile.emulate import Emulator
from midge_device import pdm

RATE_HZ = 16000
BITS = 128
FULL_SCALE = 1 << 30
SETTLED = 40  # samples until the low pass holds nothing of before


def _built(target: targets.Target) -> toolchain.Module:
    """midge_native, compiled here wherever there is a compiler."""
    if target.kernels_only:
        return link_kernels.build_native(target)
    return toolchain.build_module({}, target, name="midge_native", exports=module_glue.NATIVE)


@pytest.fixture(scope="module")
def boards() -> Callable[[str], Emulator]:
    made: dict[str, Emulator] = {}

    def board(name: str) -> Emulator:
        if name not in made:
            target = targets.get(name)
            module = _built(target)
            made[name] = Emulator(module.mpy, target, module.symbols, counted={"pdm": "pdm_decimate"})
        return made[name]

    return board


def modulate(sound: Any) -> bytes:
    """Sigma-delta of second order: sound, -1 … 1 at the rate of the bits, as a microphone sends it."""
    first = second = 0.0
    out = np.zeros(len(sound), np.uint8)
    for at, value in enumerate(sound.tolist()):
        bit = 1.0 if second >= 0 else -1.0
        out[at] = bit > 0
        first += value - bit
        second += first - bit
    return np.packbits(out, bitorder="little").tobytes()


def tone(hz: float, level: float, n: int, bits: int = BITS, rate_hz: int = RATE_HZ) -> Any:
    return level * np.sin(2 * np.pi * hz * np.arange(n * bits) / (rate_hz * bits))


def decimated(board: Emulator, data: bytes, bits: int = BITS, block: int = 50) -> Any:
    """Samples, -1 … 1, a block at a time."""
    state, taps, found = pdm.state(bits), pdm.taps(), []
    for at in range(0, 8 * len(data) // bits, block):
        part = data[at * bits // 8 : (at + block) * bits // 8]
        words = array("i", bytes(4 * block))
        n = 8 * len(part) // bits
        board.call("decimate_pdm", part, words, n, state, taps)
        found += words.tolist()[:n]
    return np.array(found) / FULL_SCALE


def oracle(data: bytes, bits: int) -> Any:
    """The cascade as its definition, four boxcars one after the other, and the low pass, in float64."""
    step = bits // pdm.STEP
    values = 2.0 * np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little") - 1
    before = np.concatenate([-np.ones(4 * step), values])  # integrators at 0: bits that were all 0
    for _ in range(4):
        before = np.convolve(before, np.ones(step) / step)[: len(before)]
    cascade = before[4 * step :][step - 1 :: step]
    held = np.concatenate([np.zeros(len(pdm.taps())), cascade])
    filtered = np.convolve(held, np.array(pdm.taps())[::-1] / 32768)[: len(held)]
    return filtered[len(pdm.taps()) :][pdm.STEP - 1 :: pdm.STEP]


def level_db(found: Any, wanted: Any) -> tuple[float, float]:
    """Of the least-squares fit of a tone: its level against what was wanted; what is left, below it."""
    t = np.arange(len(found))
    basis = np.stack([np.sin(2 * np.pi * wanted * t), np.cos(2 * np.pi * wanted * t), np.ones(len(t))], 1)
    fit = np.linalg.lstsq(basis, found, rcond=None)[0]
    rest = found - basis @ fit
    return float(20 * np.log10(np.hypot(*fit[:2]))), float(
        10 * np.log10(np.mean(rest**2) / (np.hypot(*fit[:2]) ** 2 / 2))
    )


def test_the_low_pass_is_scipys() -> None:
    edges = np.linspace(0, 0.41, 9)
    droop = 1 / np.sinc(np.repeat(edges, 2)[1:-1] / 4) ** 4
    bands = [*np.repeat(edges, 2)[1:-1], 0.57, 2.0]
    made = signal.firls(95, bands, [*droop, 0, 0], weight=[*[1.0] * 8, 30.0], fs=4.0)
    taps = np.array(pdm.taps())
    assert (taps[0], taps.sum(), len(taps)) == (0, 32768, 96)
    # The middle one makes the sum exact.
    others = np.delete(taps[1:], 47)
    assert np.abs(others - np.delete(made, 47) / made.sum() * 32768).max() <= 0.51
    assert abs(taps[48] - made[47] / made.sum() * 32768) < 6
    assert np.abs(taps).sum() < 65536


@pytest.mark.parametrize("bits", [32, 64, 128, 256])
def test_it_is_the_cascade_and_the_low_pass(boards: Callable[[str], Emulator], bits: int) -> None:
    rng = np.random.default_rng(bits)
    data = rng.integers(0, 256, 400 * bits // 8, np.uint8).tobytes()
    found = decimated(boards("x64"), data, bits)
    # Values of the cascade are rounded to int16.
    assert np.abs(found - oracle(data, bits)).max() < 1.9 / 65536


@pytest.mark.parametrize(("hz", "level"), [(100.3, 0.5), (1031.7, 0.5), (1031.7, 0.005), (6400.9, 0.3)])
def test_a_tone_comes_through_as_it_is(boards: Callable[[str], Emulator], hz: float, level: float) -> None:
    found = decimated(boards("x64"), modulate(tone(hz, level, 2000)))[SETTLED:]
    level_found, rest = level_db(found, hz / RATE_HZ)
    assert abs(level_found - 20 * np.log10(level)) < 0.1
    assert rest < (-75 if level > 0.1 else -40)


@pytest.mark.parametrize("hz", [9600.0, 20000.0, 63000.0, 128500.0])
def test_what_is_above_the_band_does_not_come_back(boards: Callable[[str], Emulator], hz: float) -> None:
    found = decimated(boards("x64"), modulate(tone(hz, 0.5, 1200)))[SETTLED:]
    assert 20 * np.log10(np.sqrt(2) * np.std(found) / 0.5) < -64


def test_bits_that_never_change_are_full_scale(boards: Callable[[str], Emulator]) -> None:
    for byte, level in ((0x00, -1.0), (0xFF, 32767 / 32768), (0x55, 0.0)):
        found = decimated(boards("x64"), bytes([byte]) * 16 * 100)
        assert found[SETTLED:].tolist() == [level] * (100 - SETTLED)


@pytest.mark.parametrize("target_name", ["x64", "armv6m", "armv7emsp", "rv32imc", "xtensawin"])
def test_every_target_gives_the_twins_bits(boards: Callable[[str], Emulator], target_name: str) -> None:
    board = boards(target_name)
    rng = np.random.default_rng(9)
    for bits in (32, 128, 256):
        ours, twins, taps = pdm.state(bits), pdm.state(bits), pdm.taps()
        for n in (1, 3, 40):
            data = rng.integers(0, 256, n * bits // 8, np.uint8).tobytes()
            words, expected = array("i", bytes(4 * n)), array("i", bytes(4 * n))
            board.call("decimate_pdm", data, words, n, ours, taps)
            pdm.decimate_pdm_slow(data, expected, n, twins, taps)
            assert words == expected


def test_a_block_costs_a_fifth_of_a_pico(boards: Callable[[str], Emulator]) -> None:
    board = boards("armv6m")
    state = pdm.state(BITS)
    data = bytes(range(256)) * 14  # 224 samples: 14 ms
    for turn in range(3):
        if turn == 1:  # the first one also makes the tables
            board.start_counting()
        board.call("decimate_pdm", data, array("i", bytes(4 * 224)), 224, state, pdm.taps())
    a_second = board.measurements()["pdm"].instructions_max / 224 * RATE_HZ
    assert a_second < 25_000_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bits": bytes(15)}, "n must be"),
        ({"words": array("h", bytes(8))}, "words must be"),
        ({"state": array("i", bytes(12))}, "STATE_WORDS"),
        ({"taps": array("h", [1, 2, 3])}, "none of decimate_pdm"),
        ({"taps": array("h", bytes(2 * 132))}, "none of decimate_pdm"),
    ],
)
def test_what_it_can_not_take_is_refused(
    boards: Callable[[str], Emulator], change: dict[str, Any], said: str
) -> None:
    given = {
        "bits": bytes(16),
        "words": array("i", [0]),
        "n": 1,
        "state": pdm.state(BITS),
        "taps": pdm.taps(),
    }
    with pytest.raises((ValueError, TypeError), match=said):
        boards("armv6m").call("decimate_pdm", *(given | change).values())
    with pytest.raises(ValueError, match="32, 64, 128 or 256"):
        pdm.state(96)
