"""Constants as a compiler lays them out."""

from __future__ import annotations

import ctypes

import pytest

from midge.compile import link_data, link_tables, toolchain
from midge.compile.kernel_sections import WORD
from midge.compile.link_data import Ref
from midge.errors import LinkError

POINTER_BYTES = ctypes.sizeof(ctypes.c_void_p)

# Structure, header, values of its numbers; pointers stay null, as a host has other addresses.
STRUCTURES = [
    (
        "window_shape",
        "window.h",
        {"magic": 0xDEADBEEF, "length": 128, "hop": 7, "n_channels": 3, "n_rows": 2},
    ),
    ("gaussian_term", "gaussian.h", {"offset": -70000, "shift": 5, "factor": -3}),
    (
        "motion_segmenter",
        "motion.h",
        {"step": 1, "smooth": 2, "join": 3, "margin": 4, "floor": 5, "share": 6},
    ),
    ("kernel_machine", "kernel.h", {"n_in": 9, "norm_factor": 4000000000, "degree": 3}),
    ("table_frontend", "table_model.h", {"n_steps": 3, "rows_bytes": 999, "x": 1, "y": 2, "z": 3}),
    ("table_step", "table_model.h", {"form": 2, "first": -1, "n": 5, "more[1]": 77}),
    ("table_facts", "table_model.h", {"abi": 1, "info_bytes": 500}),
    ("table_layer", "table_model.h", {"n_in": 9, "n_out": 2, "shift": -3}),
]


@pytest.mark.parametrize(("struct", "header", "values"), STRUCTURES)
def test_structures_are_those_of_the_compiler(struct: str, header: str, values: dict[str, int]) -> None:
    fields = ", ".join(f".{name} = {value}" for name, value in values.items())
    text = f'#include "host.h"\n#include "{header}"\n'
    text += f"HOST_API const {struct} probe[2] = {{{{{fields}}}, {{0}}}};\n"
    text += f"HOST_API const int32_t probe_bytes = sizeof({struct});\n"
    library = ctypes.CDLL(str(toolchain.host_library({"probe.c": text})))
    size = ctypes.c_int32.in_dll(library, "probe_bytes").value
    compiled = bytes((ctypes.c_uint8 * (2 * size)).in_dll(library, "probe"))
    made = link_data.structures("probe", struct, header, [values, {}], POINTER_BYTES)
    assert made.data == compiled


def test_pointers_are_relocations() -> None:
    values: dict[str, link_data.Value] = {"weights": Ref("weights"), "n_in": 4}
    made = link_data.structure("dense", "table_dense", "table_model.h", values, 4)
    assert [(found.offset, found.kind, found.symbol) for found in made.relocations] == [(0, WORD, "weights")]
    assert made.data == bytes(8) + (4).to_bytes(4, "little") + bytes(8)
    assert made.align == 4


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(LinkError, match="has no depth"):
        link_data.structure("dense", "table_dense", "table_model.h", {"depth": 1}, 4)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LinkError, match="70000"):
        link_data.numbers("bias", "uint16_t", [1, 70000], 4)


def test_tables_of_generated_c() -> None:
    source = """#include "window.h"
#include "gaussian.h"
static const int16_t weights[] __attribute__((aligned(4))) = {
    1, -2,
    0x7Fu,
};
static const uint8_t row_sources[2] = {255, 0};
static const gaussian_term terms[] = {
    {1, 2, 3},
    {-4, 5, -6},
};
static const window_shape shape = {
    .magic = 0x80000001u,
    .row_sources = row_sources,
};
"""
    found = link_tables.read(source, 4)
    assert [*found] == ["weights", "row_sources", "terms", "shape"]
    assert (found["weights"].data, found["weights"].align) == (bytes((1, 0, 254, 255, 127, 0)), 4)
    assert found["row_sources"].data == b"\xff\0"
    assert found["terms"].data == bytes((1, 0, 0, 0, 2, 0, 3, 0, 252, 255, 255, 255, 5, 0, 250, 255))
    assert found["shape"].data[:4] == bytes((1, 0, 0, 128))
    assert [one.symbol for one in found["shape"].relocations] == ["row_sources"]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(LinkError, match="sizeof x"):
        link_tables.read("static const int16_t weights[] = {1, sizeof x};", 4)
    with pytest.raises(LinkError, match="other_shape"):
        link_tables.read('#include "window.h"\nstatic const other_shape shape = {1};', 4)
