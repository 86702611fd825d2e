"""The work that is no classifier: a real FFT of 256 int16 samples, judged by its signal-to-noise ratio."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from program import Program

from midge import __version__ as own_version
from midge.compile import native_sources

NAME, TITLE = "fft-256", "256-point real FFT, SNR ≥ 55 dB"
MUST, REACH = (18_500, 9_900), (14_000, 5_000)
LEAST_SNR_DB = 55.0
N = 256
_N_SIGNALS = 16
# Where `make peers` leaves CMSIS-DSP: its sources are on the package index, in a source distribution.
_ARCHIVES = Path(__file__).parent.parent / "build" / "peers"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Transform:
    """A program that works in place on what `encode` made of the signals, and how its result is read.

    Attributes
    ----------
    decode : callable
        the memory of one row afterwards → complex (129,), in any constant scale
    """

    name: str
    make: Callable[[], Program]
    decode: Callable[[bytes], Array]


def signals() -> Array:
    """int16 (16, 256): tones near half of full scale in noise, from a seed."""
    random = np.random.default_rng(1)
    t = np.arange(N)
    rows = []
    for _ in range(_N_SIGNALS):
        tones = random.uniform(1, N / 2 - 1, 3)[:, None]
        phases = random.uniform(0, 2 * np.pi, 3)[:, None]
        tone = np.sin(2 * np.pi * tones * t / N + phases).sum(axis=0) / 3
        rows.append(0.6 * tone + random.normal(0, 0.05, N))
    return np.asarray(np.round(np.clip(rows, -1, 1) * 32767), np.int16)


def snr_db(found: Array, rows: Array) -> float:
    """Signal-to-noise ratio over all signals: complex (n, 129) against a float64 FFT, up to one factor."""
    wanted = np.fft.rfft(rows.astype(np.float64))
    factor = np.vdot(found, wanted) / np.vdot(found, found)
    noise = np.sum(np.abs(wanted - factor * found) ** 2)
    return float(10 * np.log10(np.sum(np.abs(wanted) ** 2) / max(noise, 1e-30)))


def midge() -> Iterator[Transform]:
    """midge's own: int16 in place; each row has its own exponent."""
    sources = native_sources.complete(
        {
            "main.c": f"""
#include "fft.h"
int32_t peer_predict(int32_t *data)
{{
    data[{N // 2}] = fft_real_{N}((int16_t *)data);
    return 0;
}}
"""
        }
    )

    def encode(rows: Array) -> Array:
        return np.hstack([rows, np.zeros((len(rows), 2), np.int16)])

    def decode(memory: bytes) -> Array:
        values = np.frombuffer(memory, np.int16, N).astype(np.float64)
        (exponent,) = np.frombuffer(memory, np.int32, 1, 2 * N)
        inner = values[2::2] + 1j * values[3::2]
        return np.concatenate([values[:1], inner, values[1:2]]) * 2.0**exponent

    made = Program(sources, encode, f"midge {own_version}")
    yield Transform("midge, q15", lambda: made, decode)


def emlearn() -> Iterator[Transform]:
    """emlearn's eml_fft, float; tables filled beforehand."""
    with np.errstate():  # importing emlearn changes numpy's error state
        import emlearn as package

    text = f"""
#include <eml_fft.h>
static float sines[{N // 2}], cosines[{N // 2}];
static EmlFFT table = {{ {N // 2}, sines, cosines }};
void peer_prepare(void) {{ eml_fft_fill(table, {N}); }}
int32_t peer_predict(float *data) {{ return eml_fft_forward(table, data, data + {N}, {N}); }}
"""

    def encode(rows: Array) -> Array:
        return np.hstack([rows, np.zeros_like(rows)]).astype(np.float32)

    def decode(memory: bytes) -> Array:
        real, imaginary = np.frombuffer(memory, np.float32).reshape(2, N).astype(np.float64)
        return (real + 1j * imaginary)[: N // 2 + 1]

    folder = Path(package.__file__).parent
    made = Program({"main.c": text}, encode, f"emlearn {version('emlearn')}", (folder,), has_prepare=True)
    yield Transform("emlearn, float", lambda: made, decode)


def cmsis() -> Iterator[Transform]:
    """CMSIS-DSP, q15 and float, with the intrinsics of the DSP extension where the target has it."""
    root, origin = _cmsis_sources()

    def program(files: tuple[str, ...], code: str, encode: Callable[[Array], Array]) -> Program:
        lines = ["#ifndef __ARM_FEATURE_DSP", "#define __GNUC_PYTHON__", "#endif"]
        lines += [f'#include "{name}.c"' for name in files]
        folders = tuple(root / name for name in ("Include", "PrivateInclude", "Source"))
        return Program({"main.c": "\n".join([*lines, code])}, encode, origin, folders, has_prepare=True)

    def encode_q15(rows: Array) -> Array:
        return np.hstack([rows, np.zeros((len(rows), 2 * N + 2), np.int16)])

    def decode_q15(memory: bytes) -> Array:
        pairs = np.frombuffer(memory, np.int16)[N:].astype(np.float64)
        return (pairs[0::2] + 1j * pairs[1::2])[: N // 2 + 1]

    def encode_f32(rows: Array) -> Array:
        return np.hstack([rows, np.zeros_like(rows)]).astype(np.float32)

    def decode_f32(memory: bytes) -> Array:
        packed = np.frombuffer(memory, np.float32)[N:].astype(np.float64)
        inner = packed[2::2] + 1j * packed[3::2]
        return np.concatenate([[packed[0]], inner, [packed[1]]])

    tables = ("CommonTables/arm_common_tables", "CommonTables/arm_const_structs")
    reversal = ("TransformFunctions/arm_bitreversal", "TransformFunctions/arm_bitreversal2")
    q15 = tuple(f"TransformFunctions/arm_{name}_q15" for name in ("rfft_init", "cfft_init", "rfft", "cfft"))
    q15 += (*tables, *reversal, "TransformFunctions/arm_cfft_radix4_q15", "BasicMathFunctions/arm_shift_q15")
    f32 = tuple(f"TransformFunctions/arm_{name}_f32" for name in ("rfft_fast_init", "cfft_init", "rfft_fast"))
    f32 += (*tables, *reversal, "TransformFunctions/arm_cfft_f32", "TransformFunctions/arm_cfft_radix8_f32")
    q15_code = f"""
static arm_rfft_instance_q15 instance;
void peer_prepare(void) {{ arm_rfft_init_{N}_q15(&instance, 0, 1); }}
int32_t peer_predict(q15_t *data) {{ arm_rfft_q15(&instance, data, data + {N}); return 0; }}
"""
    f32_code = f"""
static arm_rfft_fast_instance_f32 instance;
void peer_prepare(void) {{ arm_rfft_fast_init_{N}_f32(&instance); }}
int32_t peer_predict(float32_t *data) {{ arm_rfft_fast_f32(&instance, data, data + {N}, 0); return 0; }}
"""
    yield Transform("CMSIS-DSP, q15", lambda: program(q15, q15_code, encode_q15), decode_q15)
    yield Transform("CMSIS-DSP, float", lambda: program(f32, f32_code, encode_f32), decode_f32)


# Name, as in the published figures → its transforms.
TRANSFORMS: dict[str, Callable[[], Iterator[Transform]]] = {"emlearn": emlearn, "cmsis": cmsis}

_unpacked: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _cmsis_sources() -> tuple[Path, str]:
    """Folder of the unpacked sources, and their version; ImportError if they are not there."""
    archives = sorted(_ARCHIVES.glob("cmsisdsp-*.tar.gz"))
    if not archives:
        raise ImportError("no source distribution of cmsisdsp in build/peers")
    _unpacked.append(tempfile.TemporaryDirectory())
    with tarfile.open(archives[-1]) as archive:
        archive.extractall(_unpacked[-1].name, filter="data")
    (root,) = Path(_unpacked[-1].name).iterdir()
    return root, root.name.replace("-", " ")
