"""Links kernels that were compiled before with the tables of a model: a module without a compiler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import LinkError
from ..targets import Target
from . import c99, kernels, link_machine, link_place, mpy
from .kernel_sections import Section
from .kernels import Kernels
from .link_data import Ref, Value, numbers, structures
from .link_image import FUN_TABLE_SLOT
from .link_model import ModelTables, tables
from .link_script import ENTRY
from .module_glue import MODEL, NATIVE, Exports, qstrs
from .opcodes import check_bytes
from .toolchain import Module

if TYPE_CHECKING:
    from ..model_file import Model


def build_model(model: Model, target: Target) -> Module:
    """The module of a model.

    Raises
    ------
    UnsupportedModel
        if the model can't be tables only
    ToolchainMissing, LinkError
        if the kernels of this target are not there, or damaged
    """
    constants = (
        c99.MODULE_ABI,
        c99.state_bytes(model),
        model.n_features,
        model.n_scores,
    )
    return _build(tables(model, target.word_bytes), target, model.name, MODEL, constants)


def build_native(target: Target) -> Module:
    """midge_native.mpy, the board primitives; raises as `build_model`."""
    return _build(ModelTables((), {}), target, "midge_native", NATIVE, ())


def _build(
    parts: ModelTables, target: Target, name: str, exports: Exports, constants: Sequence[int]
) -> Module:
    linked = _Names(
        [*parts.sections, *_exports(exports, constants, target.word_bytes)],
        parts.aliases,
        kernels.load(target),
    )
    placed = link_place.place(linked.used(ENTRY), linked.resolve, link_machine.of(target), target.word_bytes)
    for start, end in placed.code:
        check_bytes(placed.text[start:end], target, start=start)
    file = mpy.MpyFile(target, qstrs(name, exports), placed.text, placed.relocations, placed.rodata)
    # Also by the names that the kernels leave open: instructions are counted by them.
    open_names = {
        name: placed.symbols[found] for name, found in parts.aliases.items() if found in placed.symbols
    }
    symbols = placed.symbols | open_names
    return Module(mpy.write(file), len(placed.text) + len(placed.rodata), symbols)


def _exports(exports: Exports, constants: Sequence[int], word_bytes: int) -> list[Section]:
    """The export table, as module_glue writes it in C, and the word for the firmware's table."""
    rows: list[Mapping[str, Value]] = [{"value": value} for value in constants]
    rows += [{"function": Ref(f"export_{function.name}")} for function in exports.functions]
    return [
        structures("mp_exports", "mp_export_t", "mp_module.h", rows, word_bytes),
        numbers("mp_export_count", "uint16_t", [len(rows)], word_bytes),
        Section(FUN_TABLE_SLOT, bytes(word_bytes), align=word_bytes),
    ]


class _Names:
    """What names stand for: the model's sections, and the kernels."""

    def __init__(self, own: Iterable[Section], aliases: Mapping[str, str], shipped: Kernels) -> None:
        self.aliases = aliases
        self.places = dict(shipped.places)
        self.broken = shipped.broken
        for section in own:
            if section.name in self.places:
                raise LinkError(f"a table and a kernel are both called {section.name}: rename one")
            self.places[section.name] = (section, 0)

    def resolve(self, symbol: str) -> tuple[Section, int]:
        """Where a symbol is; LinkError if it is nowhere."""
        found = self.places.get(self.aliases.get(symbol, symbol))
        if found is None:
            why = "; ".join(self.broken.values()) or "run make kernels"
            raise LinkError(f"{symbol} is used and nowhere defined: the kernels lack it; {why}")
        return found

    def used(self, entry: str) -> list[Section]:
        """The sections that are reached from `entry`, which is the first, in a fixed order."""
        found: dict[str, Section] = {}
        waiting = [entry]
        while waiting:
            section, _ = self.resolve(waiting.pop(0))
            if section.name not in found:
                found[section.name] = section
                waiting += [one.symbol for one in section.relocations if one.symbol]
        return list(found.values())
