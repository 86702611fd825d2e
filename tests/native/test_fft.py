"""The integer FFT: against numpy's, at the extremes, and with the same bits on every target."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midge import targets
from midge.compile import module_glue, toolchain
from midge.compile.emulate import Emulator

SIZES = (16, 32, 64, 128, 256, 512, 1024)
# Least signal-to-noise ratio of any of `signals`, dB.
LEAST_SNR_DB = {16: 64, 32: 64, 64: 62, 128: 60, 256: 58, 512: 55, 1024: 52}
PROBE = """
#include "mp_module.h"
#include "fft.h"
"""
FUNCTION = """
mp_obj_t probe_{n}(const mp_function_t *self, size_t n_args, const mp_obj_t *args)
{{
    int16_t *data;
    (void)n_args;
    int16_array_get(self, args[0], MP_BUFFER_WRITE, &data, "data");
    return mp_int(fft_real_{n}(data));
}}
"""


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return ctypes.CDLL(str(toolchain.host_library({"all.c": '#include "fft.h"\n'})))


def transform(library: ctypes.CDLL, rows: Any) -> tuple[Any, Any]:
    """(int16 as the C left it, complex bins) of rows int16 (n_rows, n)."""
    n = rows.shape[1]
    left = np.ascontiguousarray(rows, np.int16).copy()
    found = np.empty((len(rows), n // 2 + 1), complex)
    for row, bins in zip(left, found, strict=True):
        exponent = library[f"fft_real_{n}"](ctypes.c_void_p(row.ctypes.data))
        bins[:] = unpacked(row) * 2.0**exponent
    return left, found


def unpacked(row: Any) -> Any:
    values = row.astype(float)
    return np.concatenate([[values[0]], values[2::2] + 1j * values[3::2], [values[1]]])


def snr_db(found: Any, rows: Any) -> float:
    """Of one row, or of the whole of them."""
    wanted = np.fft.rfft(np.asarray(rows, float))
    return float(10 * np.log10(np.sum(abs(wanted) ** 2) / max(np.sum(abs(wanted - found) ** 2), 1e-30)))


def signals(n: int) -> dict[str, Any]:
    """Rows (5, n) of noise and of tones, from full scale down to a thousandth of it."""
    source = np.random.default_rng(n)
    t = np.arange(n)
    found = {}
    for size in (32767, 30000, 16384, 9000, 3000, 300, 33):
        found[f"noise {size}"] = np.round(source.uniform(-size, size, (5, n)))
        tones = np.sin(
            2 * np.pi * source.uniform(1, n / 2 - 1, (5, 1)) * t / n + source.uniform(0, 6, (5, 1))
        )
        found[f"tone {size}"] = np.round(size * tones)
    found["steps"] = np.where(np.arange(5)[:, None] * n // 6 < t, 32767, -32768)
    return {name: rows.astype(np.int16) for name, rows in found.items()}


def extremes(n: int) -> Any:
    """Rows (n_rows, n) that are as large as they get: constants, squares, noise of two values, pulses."""
    source = np.random.default_rng(n)
    t = np.arange(n)
    rows = [np.full(n, value) for value in (0, 1, -1, 32767, -32768)]
    for period in (1, 2, 4, 8, n // 4, n // 2):
        rows += [np.where(t // period % 2, high, low) for high, low in ((32767, -32768), (-32768, 32767))]
    for frequency in (1, 2, n // 4 - 1, n // 4, n // 2 - 1):
        rows += [
            np.where(np.cos(2 * np.pi * frequency * t / n + phase) > 0, 32767, -32768)
            for phase in (0.01, 0.8, 1.6, 2.4)
        ]
    rows += [*np.where(source.random((6, n)) < 0.5, 32767, -32768)]
    rows += [np.where(t == at, size, 0) for at in (0, 1, n - 1) for size in (32767, -32768)]
    return np.array(rows).astype(np.int16)


@pytest.mark.parametrize("n", SIZES)
def test_signal_to_noise(library: ctypes.CDLL, n: int) -> None:
    least = {name: snr_db(transform(library, rows)[1], rows) for name, rows in signals(n).items()}
    assert min(least.values()) >= LEAST_SNR_DB[n], least


@pytest.mark.parametrize("n", SIZES)
def test_nothing_overflows(library: ctypes.CDLL, n: int) -> None:
    rows = extremes(n)
    found = transform(library, rows)[1]
    wanted = np.fft.rfft(rows.astype(float))
    # One overflow of one component would be an error of the size of the largest bin.
    sizes = np.maximum(abs(wanted).max(axis=1), 1)
    assert (abs(found - wanted).max(axis=1) / sizes).max() < 0.02


@given(st.integers(0, 2**32 - 1), st.sampled_from(SIZES), st.integers(0, 15))
@settings(max_examples=60)
def test_any_input_is_near_the_exact_transform(library: ctypes.CDLL, seed: int, n: int, n_bits: int) -> None:
    source = np.random.default_rng(seed)
    row = source.integers(-(1 << n_bits), 1 << n_bits, (1, n))
    row[source.random((1, n)) < source.random()] = source.integers(-(1 << n_bits), 1 << n_bits)
    found = transform(library, row)[1]
    wanted = np.fft.rfft(row.astype(float))
    assert abs(found - wanted).max() <= 0.02 * max(abs(wanted).max(), 1)


def test_silence_and_one_lsb(library: ctypes.CDLL) -> None:
    rows = np.zeros((2, 64), np.int16)
    rows[1, 0] = 1
    left, found = transform(library, rows)
    assert not left[0].any()
    assert np.allclose(found[1], 1)


def test_a_constant_and_the_alternation_are_exact(library: ctypes.CDLL) -> None:
    rows = np.stack([np.full(256, 1000), np.where(np.arange(256) % 2, -1000, 1000)])
    found = transform(library, rows)[1]
    assert found[0].tolist() == [256000, *[0] * 128]
    assert found[1].tolist() == [*[0] * 128, 256000]


def test_power(library: ctypes.CDLL) -> None:
    rows = np.array([[-32768, -32768, 3, -4, 32767, -32768, -32768, 0]], np.int16)
    power = np.zeros(5, np.uint32)
    library.fft_power(ctypes.c_void_p(rows.ctypes.data), 8, ctypes.c_void_p(power.ctypes.data))
    assert power.tolist() == [1 << 30, 25, 32767**2 + (1 << 30), 1 << 30, 1 << 30]


@pytest.mark.parametrize(
    "target_name",
    [
        "armv6m",
        "armv7emsp",
        *(pytest.param(name, marks=pytest.mark.check) for name in ("x64", "armv7m", "armv7emdp", "rv32imc")),
    ],
)
def test_every_target_gives_the_bits_of_this_machine(library: ctypes.CDLL, target_name: str) -> None:
    target = targets.get(target_name)
    exports = module_glue.Exports(
        (),
        tuple(module_glue.Function(f"fft_{n}", f"probe_{n}", 1, 1) for n in SIZES),
        ("probe.h",),
        ("mp_module.c", "mp_slot.S"),
    )
    declared = "\n".join(
        f"mp_obj_t probe_{n}(const mp_function_t *self, size_t n_args, const mp_obj_t *args);" for n in SIZES
    )
    sources = {
        "probe.h": f'#include "mp_module.h"\n{declared}\n',
        "probe.c": PROBE + "".join(FUNCTION.format(n=n) for n in SIZES),
    }
    board = Emulator(toolchain.build_module(sources, target, name="probe", exports=exports).mpy, target)
    for n in SIZES:
        rows = np.concatenate([*(rows[:2] for rows in signals(n).values()), extremes(n)])
        left, _ = transform(library, rows)
        for row, expected in zip(rows, left, strict=True):
            data = row.copy()
            exponent = board.call(f"fft_{n}", data)
            assert np.array_equal(data, expected)
            again = row.copy()
            assert exponent == library[f"fft_real_{n}"](ctypes.c_void_p(again.ctypes.data))


def test_only_the_size_in_use_takes_room() -> None:
    """A module with the 256-point transform: code, its own twiddles, and the glue of one function."""
    exports = module_glue.Exports(
        (), (module_glue.Function("fft", "probe_256", 1, 1),), ("probe.h",), ("mp_module.c", "mp_slot.S")
    )
    sources = {
        "probe.h": '#include "mp_module.h"\n'
        "mp_obj_t probe_256(const mp_function_t *self, size_t n_args, const mp_obj_t *args);\n",
        "probe.c": PROBE + FUNCTION.format(n=256),
    }
    built = toolchain.build_module(sources, targets.get("armv6m"), name="probe", exports=exports)
    assert built.text_bytes < 3500
