"""The mel analysis: a float oracle, the extremes, the same bits and a set cost on every target."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from midge import targets
from midge.compile import c99_sound, module_glue, toolchain
from midge.compile.emulate import Emulator
from midge.features_sound import LSB_PER_DB, SoundSampling, mel

RATES = (8000, 16000)
FLOOR_LOG2 = 6
PROBE = """
void probe_levels(const int16_t *samples, int16_t *scratch, int16_t *levels);
void probe_levels(const int16_t *samples, int16_t *scratch, int16_t *levels)
{
    mel_levels(&analysis, samples, scratch, levels);
}
"""
EXPORT = """
mp_obj_t probe(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{
    int16_t *buffers[3];
    (void)n_args;
    for (int i = 0; i < 3; i++) {
        int16_array_get(self, args[i], MP_BUFFER_WRITE, &buffers[i], "buffer");
    }
    probe_levels(buffers[0], buffers[1], buffers[2]);
    return mp_none();
}
"""
DECLARED = "mp_obj_t probe(const mp_function_t *self, size_t n_args, const mp_obj_t *args);\n"


def sources(sampling: SoundSampling) -> dict[str, str]:
    return {"probe.c": "\n".join([*c99_sound.analysis(sampling), PROBE])}


@pytest.fixture(scope="module")
def libraries() -> dict[int, ctypes.CDLL]:
    return {
        rate: ctypes.CDLL(str(toolchain.host_library(sources(SoundSampling.usual(rate))))) for rate in RATES
    }


def levels(library: ctypes.CDLL, sampling: SoundSampling, frames: Any) -> Any:
    """int16 (n_frames, bands)"""
    frames = np.ascontiguousarray(frames, np.int16)
    scratch = np.zeros(frames.shape[1] // 2, np.uint32)
    found = np.zeros((len(frames), sampling.bands), np.int16)
    for frame, row in zip(frames, found, strict=True):
        library.probe_levels(*(ctypes.c_void_p(part.ctypes.data) for part in (frame, scratch, row)))
    return found


def oracle_db(sampling: SoundSampling, frames: Any) -> Any:
    """Mean power of each band in dB above the floor, by numpy: nothing of the tables under test."""
    n = frames.shape[1]
    power = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)))) ** 2
    at = np.array([mel(hz) for hz in np.arange(n // 2) * sampling.rate_hz / n])
    edges = np.linspace(mel(sampling.low_hz), mel(sampling.high_hz), sampling.bands + 2)
    weights = np.maximum(
        0,
        np.minimum(
            (at - edges[:-2, None]) / np.diff(edges)[:-1, None],
            (edges[2:, None] - at) / np.diff(edges)[1:, None],
        ),
    )
    weights /= weights.sum(axis=1, keepdims=True)
    return 10 * np.log10(np.maximum(power[:, : n // 2] @ weights.T, 1e-9)) - 10 * FLOOR_LOG2 * np.log10(2)


def signals(sampling: SoundSampling) -> dict[str, Any]:
    """Frames (12, n): tones, chirps, noise, speech-like buzz, pulses, clipped tones."""
    n = 1 << sampling.log2_frame
    rng = np.random.default_rng(n)
    t = np.arange(12 * n).reshape(12, n) / sampling.rate_hz
    end = t[-1, -1]
    found = {}
    for size in (32000, 3000, 300):
        found[f"tone {size}"] = size * np.sin(2 * np.pi * 1031.7 * t)
        found[f"chirp {size}"] = size * np.sin(2 * np.pi * (100 + 0.4 * sampling.rate_hz * t / end / 2) * t)
        found[f"noise {size}"] = rng.uniform(-size, size, t.shape)
        found[f"buzz {size}"] = size / 12 * sum(np.sin(2 * np.pi * 117 * k * t) for k in range(1, 13))
    found["clipped"] = np.clip(90000 * np.sin(2 * np.pi * 311.3 * t), -32768, 32767)
    found["pulse"] = np.where(np.arange(n) == n // 2, 32767, 0) + np.zeros(t.shape)
    return {name: np.clip(np.rint(frames), -32768, 32767).astype(np.int16) for name, frames in found.items()}


@pytest.mark.parametrize("rate", RATES)
def test_levels_are_the_oracles_over_the_upper_50_db(libraries: dict[int, ctypes.CDLL], rate: int) -> None:
    sampling = SoundSampling.usual(rate)
    rms = {}
    for name, frames in signals(sampling).items():
        wanted = oracle_db(sampling, frames.astype(float))
        found = levels(libraries[rate], sampling, frames) / LSB_PER_DB
        upper = (wanted > wanted.max(axis=1, keepdims=True) - 50) & (wanted > 1)
        assert upper.sum() >= 12, name
        rms[name] = float(np.sqrt(np.mean((found - wanted)[upper] ** 2)))
    assert max(rms.values()) < 0.25, rms


@pytest.mark.parametrize("rate", RATES)
def test_silence_is_the_floor_and_nothing_overflows(libraries: dict[int, ctypes.CDLL], rate: int) -> None:
    sampling = SoundSampling.usual(rate)
    n = 1 << sampling.log2_frame
    assert not levels(libraries[rate], sampling, np.zeros((1, n))).any()
    t = np.arange(n)
    loud = np.array([np.where(t // period % 2, 32767, -32768) for period in (2, 3, 8, 50)])
    found = levels(libraries[rate], sampling, loud) / LSB_PER_DB
    assert np.allclose(found.max(axis=1), oracle_db(sampling, loud.astype(float)).max(axis=1), atol=0.3)


@pytest.mark.parametrize(
    ("target_name", "most_instructions"), [("armv6m", 80_000), ("armv7emsp", 32_000), ("armv7m", None)]
)
def test_every_target_gives_the_bits_of_this_machine(
    libraries: dict[int, ctypes.CDLL], target_name: str, most_instructions: int | None
) -> None:
    sampling = SoundSampling.usual(16000)
    exports = module_glue.Exports(
        (), (module_glue.Function("probe", "probe", 3, 3),), ("probe.h",), ("mp_module.c", "mp_slot.S")
    )
    files = {
        "probe.h": f'#include "mp_module.h"\n{DECLARED}',
        "probe.c": '#include "probe.h"\n' + sources(sampling)["probe.c"] + EXPORT,
    }
    target = targets.get(target_name)
    module = toolchain.build_module(files, target, name="probe", exports=exports)
    board = Emulator(module.mpy, target, module.symbols, counted={"levels": "mel_levels"})
    board.start_counting()
    for frames in signals(sampling).values():
        expected = levels(libraries[16000], sampling, frames[:2])
        for frame, row in zip(frames[:2], expected, strict=True):
            found = np.zeros(sampling.bands, np.int16)
            board.call("probe", frame.copy(), np.zeros(len(frame), np.int16), found)
            assert np.array_equal(found, row)
    cost = board.measurements()["levels"]
    assert module.text_bytes < 6144
    if most_instructions is not None:
        assert cost.instructions_max <= most_instructions
