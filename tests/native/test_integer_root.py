"""Integer square roots against Python's exact one."""

from __future__ import annotations

import ctypes
import math
import random
from collections.abc import Callable

import pytest

from midge.compile import toolchain

PROBE = """
#include "host.h"
#include "integer_root.h"
HOST_API uint32_t probe_floor_u32(uint32_t value) { return root_floor_u32(value); }
HOST_API uint32_t probe_floor_u64(uint64_t value) { return root_floor_u64(value); }
HOST_API uint32_t probe_round_u32(uint32_t value) { return root_round_u32(value); }
"""


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return ctypes.CDLL(str(toolchain.host_library({"probe.c": PROBE})))


def _function(library: ctypes.CDLL, name: str, kind: type) -> Callable[[int], int]:
    function = getattr(library, name)
    function.argtypes, function.restype = [kind], ctypes.c_uint32
    return function


def _values(bits: int) -> list[int]:
    """Squares and their neighbours, powers of two and their neighbours, and random ones."""
    rng = random.Random(1)
    top = (1 << bits) - 1
    roots = [0, 1, 2, 3, 255, 65535, math.isqrt(top), *(rng.getrandbits(bits // 2) for _ in range(300))]
    near = [root * root + d for root in roots for d in (-1, 0, 1, root, root + 1)]
    powers = [(1 << k) + d for k in range(bits) for d in (-1, 0, 1)]
    return [v for v in [*near, *powers, top, *(rng.getrandbits(bits) for _ in range(500))] if 0 <= v <= top]


def test_floor_of_32_bits(library: ctypes.CDLL) -> None:
    root = _function(library, "probe_floor_u32", ctypes.c_uint32)
    assert [root(v) for v in _values(32)] == [math.isqrt(v) for v in _values(32)]


def test_floor_of_64_bits(library: ctypes.CDLL) -> None:
    root = _function(library, "probe_floor_u64", ctypes.c_uint64)
    assert [root(v) for v in _values(64)] == [math.isqrt(v) for v in _values(64)]


def test_nearest_of_32_bits(library: ctypes.CDLL) -> None:
    root = _function(library, "probe_round_u32", ctypes.c_uint32)
    assert [root(v) for v in _values(32)] == [(math.isqrt(4 * v) + 1) // 2 for v in _values(32)]
