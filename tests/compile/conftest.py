"""Toy modules for the tests of compiling and emulation; a cache that holds the run-time library only."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from midge import targets
from midge.compile import module_glue, toolchain
from midge.compile.cache import cache_folder
from midge.compile.toolchain import Module

# Small models are shared by several tests of this folder.
sys.path.insert(0, str(Path(__file__).parent))


def _load_toy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """Sources and oracle of the toy model."""
    return _load_toy()


@pytest.fixture(scope="session")
def toy_module(toy: ModuleType) -> Callable[..., Module]:
    """Builds the toy model for a target."""

    def build(target: str, *, frontend: bool = True) -> Module:
        return toolchain.build_module(
            toy.sources(frontend=frontend), targets.get(target), name="toy", exports=module_glue.MODEL
        )

    return build


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with nothing in it but zig's own, so that the run-time library is not compiled anew."""
    zig = cache_folder() / "zig"
    zig.mkdir(exist_ok=True)
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "zig").symlink_to(zig, target_is_directory=True)
    monkeypatch.setenv("MIDGE_CACHE", str(folder))
    return folder


@pytest.fixture(params=("x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc"))
def target_name(request: pytest.FixtureRequest) -> str:
    """Every target that can be built."""
    return str(request.param)
