"""What a linked module is made of: numbers that C reads as well, instructions of the target, sizes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

import midge
from midge import targets
from midge.compile import kernels, kinds, link_families, link_kernels, link_motion, mpy, native_sources
from midge.compile.kernel_sections import Section
from midge.compile.kernels import Kernels, Unit
from midge.errors import LinkError
from midge.model_file import Model

_FORMS = ("row", "percent", "course", "pair", "tilt", "span", "spectrum", "band")
_IN_C = ("ROW", "ROW_ONE", "ROW_TWO", "PAIR", "TILT", "SPAN", "SPECTRUM", "BAND")


def _numbers() -> dict[str, int]:
    """Enumerators of table_model.h, as a compiler counts them."""
    found = {}
    for body in re.findall(r"enum \{(.*?)\};", native_sources.read("table_model.h"), re.DOTALL):
        names = re.findall(r"TABLE_(\w+),", re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL))
        found |= {name: number for number, name in enumerate(names)}
    return found


def test_forms_of_statistics_are_those_of_the_kernels() -> None:
    numbers = _numbers()
    assert {form: numbers[name] for form, name in zip(_FORMS, _IN_C, strict=True)} == link_motion._FORMS


def test_forms_of_layers_are_those_of_the_kernels() -> None:
    numbers = _numbers()
    names = {
        name: getattr(link_families, f"_{name}") for name in ("WEIGHTED", "SUMS", "POOL", "ADD", "WIDEN")
    }
    assert names == {name: numbers[name] for name in names}


def test_names_inside_a_kernel_are_places() -> None:
    section = Section("kernel", bytes(8), symbols={"inner": 4})
    found = Kernels("armv6m", "", {"file": Unit("", (section, Section("other", bytes(4))))})
    assert found.places["kernel"] == (section, 0)
    assert found.places["inner"] == (section, 4)
    assert set(found.places) == {"kernel", "inner", "other"}


def _model() -> Model:
    X = np.arange(60).reshape(30, 2).astype(float)
    return midge.compile(KNeighborsRegressor(3).fit(X, X[:, 0] * 7 + 900), X, layout="table").model


@pytest.mark.parametrize("name", ["armv6m", "rv32imc", "xtensawin"])
def test_what_it_takes_is_its_text_and_its_constants(name: str) -> None:
    module = link_kernels.build_model(_model(), targets.get(name))
    file = mpy.parse(module.mpy)
    assert module.text_bytes == len(file.text) + len(file.rodata)
    assert len(module.mpy) > module.text_bytes > 500


def test_an_instruction_that_the_target_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.get("armv6m")
    usual = kernels.load(target)

    def foreign(section: Section) -> Section:
        # sdiv r0, r0, r0: Cortex-M0+ has none.
        return replace(section, data=bytes.fromhex("90fbf0f0") + section.data[4:])

    units = {
        name: replace(
            unit,
            sections=tuple(
                foreign(section) if section.name == "neighbors_euclidean" else section
                for section in unit.sections
            ),
        )
        for name, unit in usual.units.items()
    }
    assert any(section.name == "neighbors_euclidean" for section in usual.sections.values())
    monkeypatch.setattr(kernels, "load", lambda _: replace(usual, units=units))
    with pytest.raises(LinkError, match="armv6m"):
        link_kernels.build_model(_model(), target)


@pytest.mark.parametrize(("limit", "bits"), [(32767, 64), (32768, 32), (40000, 32)])
def test_sums_are_wide_unless_every_int16_fits(limit: int, bits: int) -> None:
    X = np.arange(60).reshape(20, 3).astype(float)
    ir = midge.compile(LinearRegression().fit(X, X[:, 0]), X).model.ir
    lowered = replace(kinds.part("linear", "lowering").lower(ir), limit=limit)
    _, sums = link_families.WRITERS["linear"](lowered, 4)
    assert isinstance(sums, link_families.Sums)
    assert (sums.bits, "exact" in sums.kernel) == (bits, bits == 64)
