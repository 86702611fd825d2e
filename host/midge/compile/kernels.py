"""Kernels that know no model: compiled once a target by `make kernels`, shipped, and linked with tables.

`firmware/kernels/<target>.json` holds them section by section. Its `sources` is a digest of all that they
were compiled from: kernels of other sources are refused, or compiled anew where the compiler is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from ..assets import kernels_folder
from ..errors import LinkError, ToolchainMissing
from ..targets import Target
from .cache import cache_folder, place, working_folder
from .kernel_objects import Section

FORMAT = 1
# Places for sums, votes and features on the stack; a model takes the least that does.
ROOMS = (16, 64, 256, 1024)
SUM_BITS = (32, 64)
BARE = "/bare"


@dataclass(frozen=True)
class Kernels:
    """All kernels of a target.

    Attributes
    ----------
    compiler : str
        what compiled them
    sources : str
        digest of what they were compiled from
    sections : mapping of name to Section
    """

    target: str
    compiler: str
    sources: str
    sections: Mapping[str, Section]

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
        head = {"format": FORMAT, "target": self.target, "compiler": self.compiler, "sources": self.sources}
        rows = [
            f"{json.dumps(name)}: {json.dumps(section.to_json(), sort_keys=True)}"
            for name, section in sorted(self.sections.items())
        ]
        body = ",\n".join(rows)
        return f'{json.dumps(head)[:-1]}, "sections": {{\n{body}\n}}}}\n'


def read(text: str) -> Kernels:
    """Kernels out of the text of their file; LinkError if it is none."""
    try:
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise LinkError(f"kernels of format {found['format']}, midge knows {FORMAT}: install midge again")
        sections = {name: Section.from_json(name, data) for name, data in found["sections"].items()}
        return Kernels(found["target"], found["compiler"], found["sources"], sections)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LinkError(f"the file of kernels is damaged ({error}): install midge again") from None


@cache
def _load(target: Target, wanted: str) -> Kernels:
    shipped = kernels_folder() / f"{target.name}.json"
    kept = cache_folder() / "kernels" / f"{target.name}-{wanted}.json"
    for path in (shipped, kept):
        if path.is_file():
            kernels = read(path.read_text(encoding="utf-8"))
            if kernels.sources == wanted:
                return kernels
    from .kernels_build import compile_all

    try:
        kernels = compile_all(target)
    except ToolchainMissing as error:
        raise ToolchainMissing(
            f"the kernels for {target.name} are older than firmware/native: run make kernels; {error}"
        ) from None
    with working_folder() as folder:
        made = Path(folder, "kernels.json")
        made.write_text(kernels.to_text(), encoding="utf-8", newline="\n")
        place(made, kept)
    return kernels


def load(target: Target) -> Kernels:
    """The kernels of a target: the shipped ones, or compiled from changed sources and cached.

    Raises
    ------
    ToolchainMissing
        the shipped ones belong to other sources, and the compiler isn't there
    """
    from .kernels_build import sources_digest

    return _load(target, sources_digest())
