"""Kernels that know no model: compiled once a target by `make kernels`, shipped, and linked with tables.

`firmware/kernels/<target>.json` holds them file by file of firmware/native, section by section, each file
with a digest of all that it was compiled from. What was made from other sources is refused, or compiled anew
where the compiler is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from ..assets import kernels_folder
from ..errors import LinkError, ToolchainMissing
from ..targets import Target
from .kernel_sections import Section

FORMAT = 2
# Places for sums, votes and features on the stack; a model takes the least that does.
ROOMS = (16, 64, 256, 1024)
SUM_BITS = (32, 64)
BARE, ARENA, BARE_ARENA = "/bare", "/arena", "/bare-arena"


@dataclass(frozen=True)
class Unit:
    """What one file of firmware/native was compiled to, in one flavour.

    Attributes
    ----------
    sources : str
        digest of what it was compiled from
    sections : tuple of Section
    """

    sources: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Kernels:
    """All kernels of a target.

    Attributes
    ----------
    compiler : str
        what compiled them
    units : mapping of str to Unit
        by file, and flavour where there are several
    broken : mapping of str to str
        files that were changed and do not compile, with the compiler's words
    """

    target: str
    compiler: str
    units: Mapping[str, Unit]
    broken: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sections(self) -> dict[str, Section]:
        """Every section by its name; LinkError if two have the same."""
        found: dict[str, Section] = {}
        for unit in self.units.values():
            for section in unit.sections:
                if section.name in found:
                    raise LinkError(f"{section.name} is defined twice in firmware/native: rename one")
                found[section.name] = section
        return found

    @cached_property
    def places(self) -> dict[str, tuple[Section, int]]:
        """Section and offset of every symbol."""
        found = {}
        for section in self.sections.values():
            found[section.name] = (section, 0)
            found.update({name: (section, offset) for name, offset in section.symbols.items()})
        return found

    def to_text(self) -> str:
        """The file: the same kernels give the same bytes."""
        head = {"format": FORMAT, "target": self.target, "compiler": self.compiler}
        units = []
        for name, unit in sorted(self.units.items()):
            rows = [
                f"{json.dumps(section.name)}: {_compact(section.to_json())}"
                for section in sorted(unit.sections, key=lambda section: section.name)
            ]
            body = ",\n".join(rows)
            sources = json.dumps(unit.sources)
            units.append(f'{json.dumps(name)}: {{"sources": {sources}, "sections": {{\n{body}\n}}}}')
        everything = ",\n".join(units)
        return f'{json.dumps(head)[:-1]}, "units": {{\n{everything}\n}}}}\n'


def _compact(data: object) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def read(text: str) -> Kernels:
    """Kernels out of the text of their file; LinkError if it is none."""
    try:
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise LinkError(f"kernels of format {found['format']}, midge knows {FORMAT}: install midge again")
        units = {
            name: Unit(
                unit["sources"],
                tuple(Section.from_json(key, data) for key, data in unit["sections"].items()),
            )
            for name, unit in found["units"].items()
        }
        return Kernels(found["target"], found["compiler"], units)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LinkError(f"the file of kernels is damaged ({error}): install midge again") from None


@cache
def _shipped(target: Target) -> Kernels:
    path = kernels_folder() / f"{target.name}.json"
    if not path.is_file():
        return Kernels(target.name, "", {})
    return read(path.read_text(encoding="utf-8"))


@cache
def _load(target: Target, wanted: tuple[tuple[str, str], ...]) -> Kernels:
    shipped = _shipped(target)
    current = {
        name: shipped.units[name]
        for name, sources in wanted
        if name in shipped.units and shipped.units[name].sources == sources
    }
    stale = [name for name, _ in wanted if name not in current]
    if not stale:
        return replace(shipped, units=current)
    from .kernels_build import compile_units

    try:
        made, broken = compile_units(target, stale)
    except ToolchainMissing as error:
        raise ToolchainMissing(
            f"the kernels for {target.name} are older than firmware/native ({stale[0]}): "
            f"run make kernels; {error}"
        ) from None
    return replace(shipped, units=current | made, broken=broken)


def load(target: Target) -> Kernels:
    """The kernels of a target: the shipped ones, and those whose sources were changed, compiled anew.

    Raises
    ------
    ToolchainMissing
        shipped ones belong to other sources, and the compiler isn't there
    """
    from .kernels_build import digests

    return _load(target, tuple(digests(target).items()))
