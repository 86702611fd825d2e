"""Kernels that know no model: compiled once a target by `make kernels`, shipped, and linked with tables.

`firmware/kernels/<target>.json` holds them section by section. Its `sources` is a digest of all that they
were compiled from: kernels of other sources are refused, or compiled anew where the compiler is there.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from ..assets import kernels_folder, native_folder
from ..errors import CompileError, LinkError, ToolchainMissing
from ..targets import Target
from . import native_sources
from .cache import cache_folder, digest, place, working_folder
from .kernel_objects import Section, read_xtensa
from .module_glue import MODEL, NATIVE, wrappers

FORMAT = 1
COMPILER = "clang-22"
# Places for sums, votes and features on the stack; a model takes the least that does.
ROOMS = (16, 64, 256, 1024)
SUM_BITS = (32, 64)
BARE = "/bare"

_FEATURES = (
    "density",
    "windowed",
    "sext",
    "nsa",
    "mul16",
    "mul32",
    "mul32high",
    "div32",
    "minmax",
    "threadptr",
)
_FLAGS = (
    "--target=xtensa-unknown-elf",
    "-Os",
    "-std=c99",
    "-ffreestanding",
    "-fno-pic",
    "-fwrapv",
    "-fsigned-char",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-stack-protector",
    "-fomit-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-fvisibility=hidden",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-addrsig",
    # A jump table would hold addresses of the middle of a function.
    "-fno-jump-tables",
    "-g0",
    "-DNDEBUG",
    *itertools.chain.from_iterable(
        ("-Xclang", "-target-feature", "-Xclang", f"+{feature}") for feature in _FEATURES
    ),
    "-include",
    "hidden.h",
)
# Constants of a model are read from its tables; without a front end none of it is linked in.
_CONFIG = """#include "table_model.h"
#define MIDGE_STATE_BYTES midge_facts.state_bytes
#define MIDGE_N_FEATURES midge_facts.n_features
#define MIDGE_N_SCORES midge_facts.n_scores
#define MIDGE_N_CHANNELS midge_facts.n_channels
#define MIDGE_INFO midge_facts.info
#define MIDGE_INFO_BYTES midge_facts.info_bytes
#ifndef MIDGE_HAS_FRONTEND
#define MIDGE_HAS_FRONTEND 1
#endif
"""
_GENERATED = {
    "model_config.h": _CONFIG,
    "export_model.c": wrappers(MODEL, linkage="") + "\n",
    "export_native.c": wrappers(NATIVE, linkage="") + "\n",
}
# Called by a host only.
_HOST = "host_"
_MODEL_GLUE = "mp_model.c"
_VARIADIC = re.compile(r"\.\.\.\s*\)")
_VERSION = re.compile(r"clang version (\S+)")


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


def _flavours(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(suffix of the names, further flags) of each way in which a file is compiled."""
    if name == _MODEL_GLUE:
        yield BARE, ("-DMIDGE_HAS_FRONTEND=0",)
        for room in ROOMS:
            yield f"/{room}", (f"-DMIDGE_ROOM={room}",)
    elif name == "table_classify.c":
        for bits, room in itertools.product(SUM_BITS, ROOMS):
            yield f"/{bits}/{room}", (f"-DTABLE_BITS={bits}", f"-DTABLE_ROOM={room}")
    elif name == "table_verdict.c":
        for bits in SUM_BITS:
            yield f"/{bits}", (f"-DTABLE_BITS={bits}",)
    elif name == "table_net.c":
        for room in ROOMS:
            yield f"/{room}", (f"-DTABLE_ROOM={room}",)
    else:
        yield "", ()


def _files() -> dict[str, str]:
    """Text of everything that kernels are compiled from."""
    folder = native_folder()
    shipped = {path.name for path in folder.iterdir() if path.suffix in (".c", ".h")}
    texts = {name: native_sources.read(name) for name in shipped if not name.startswith(_HOST)}
    shims = {f"shims/{path.name}": path.read_text(encoding="utf-8") for path in (folder / "shims").iterdir()}
    return dict(sorted({**texts, **shims, **_GENERATED}.items()))


def sources_digest() -> str:
    """Digest of what kernels are compiled from, flags included."""
    files = _files()
    flavours = [str(list(_flavours(name))) for name in files]
    return digest([str(FORMAT), *_FLAGS, *flavours, *itertools.chain.from_iterable(files.items())])


def compile_all(target: Target) -> Kernels:
    """Compile every kernel.

    Raises
    ------
    ToolchainMissing
        without the compiler
    CompileError, LinkError
        with the compiler's first error, or what the linker could not place
    """
    program = shutil.which(COMPILER)
    if program is None:
        raise ToolchainMissing(f"{COMPILER} is missing (Debian and Ubuntu: apt-get install {COMPILER})")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = _VERSION.search(version)
    files = _files()
    sections: dict[str, Section] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        for name in files:
            if not name.endswith(".c"):
                continue
            for suffix, flags in _flavours(name):
                for section in read_xtensa(
                    _compile(program, name, flags, Path(folder)), Path(name).stem, suffix
                ):
                    if section.name in sections:
                        raise LinkError(f"{section.name} is defined twice in firmware/native: rename one")
                    sections[section.name] = section
    return Kernels(target.name, f"clang {found[1] if found else '?'}", sources_digest(), sections)


def _compile(program: str, name: str, flags: tuple[str, ...], folder: Path) -> bytes:
    arguments = [program, *_FLAGS, *flags, "-I.", "-Ishims", "-c", name, "-o", "made.o"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr[:200]]
        raise CompileError(f"{COMPILER} refused: {lines[0].strip()}")
    return (folder / "made.o").read_bytes()


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
    return _load(target, sources_digest())


def write_shipped(target: Target) -> Path:
    """Compile the kernels of a target into firmware/kernels; the path."""
    path = kernels_folder() / f"{target.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(compile_all(target).to_text(), encoding="utf-8", newline="\n")
    return path
