"""Imports go one way: cli → stages → (families, compile, session, nouns) → errors, targets."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOST = ROOT / "host" / "midge"

# part → what it must not import, as dotted prefixes. The first row that fits a file is its row.
FORBIDDEN = {
    "host/midge/errors.py": ["midge"],
    "host/midge/targets.py": ["midge.cli", "midge.compile", "midge.families", "midge.session", "midge.build"],
    "host/midge/compile/emlearn_backend.py": [
        "midge.families",
        "midge.session",
        "midge.transport",
        "midge.cli",
    ],
    "host/midge/compile/": [
        "sklearn",
        "midge.families",
        "midge.session",
        "midge.transport",
        "midge.cli",
        "midge_device.session",
    ],
    "host/midge/families/": [
        "midge.compile.c99",
        "midge.compile.toolchain",
        "midge.cli",
        "midge.session",
        "midge.transport",
    ],
    "host/midge/transport/": ["midge_device.wire.message", "midge.session", "midge.cli", "midge.compile"],
    "host/midge/virtual/": ["midge.cli", "midge.session", "midge.compile", "midge.families", "sklearn"],
    "host/midge/cli/": [],
    "host/midge/__main__.py": [],
    "host/midge/": ["midge.cli"],
    "firmware/midge_device/wire/": [
        "midge",
        "midge_device.session",
        "midge_device.pipeline",
        "midge_device.transport",
    ],
    "firmware/": ["midge"],
    "apps/": ["midge"],
}

# `[S]`: imported by the host as well, so they may use only what both Pythons have.
SHARED = ["wire/frame.py", "wire/message.py", "decision.py"]
SHARED_MAY_IMPORT = {"struct", "array", "math", "binascii", "micropython", "midge_device"}


def _module_name(path: Path) -> str:
    relative = path.relative_to(ROOT)
    parts = list(relative.with_suffix("").parts)
    if parts[0] in ("host", "firmware"):
        parts = parts[1:]
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every name imported in the file, absolute, with its line; imports inside functions too."""
    package = _module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def _sources() -> list[Path]:
    return sorted(
        path
        for top in ("host", "firmware", "apps")
        for path in (ROOT / top).rglob("*.py")
        if "build" not in path.parts
    )


def test_every_import_goes_down() -> None:
    wrong = []
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        forbidden = next(rule for part, rule in FORBIDDEN.items() if name.startswith(part))
        wrong += [
            f"{name}:{line} imports {imported}"
            for imported, line in _imports(path)
            for prefix in forbidden
            if imported == prefix or imported.startswith(prefix + ".")
        ]
    assert not wrong, "\n".join(wrong)


def test_the_walk_sees_relative_and_nested_imports(tmp_path: Path) -> None:
    seen = {name for name, _ in _imports(HOST / "cli" / "__init__.py")}
    assert {"midge.errors.MidgeError", "midge.cli.output", "argparse"} <= seen


def test_shared_files_use_what_both_pythons_have() -> None:
    for name in SHARED:
        path = ROOT / "firmware" / "midge_device" / name
        tops = {imported.split(".")[0] for imported, _ in _imports(path)}
        assert tops <= SHARED_MAY_IMPORT, f"{name} imports {sorted(tops - SHARED_MAY_IMPORT)}"


def _import_all_without(blocked: list[str], modules: list[str]) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys, importlib\n"
        f"for name in {blocked!r}: sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_the_host_imports_without_posix_terminals() -> None:
    """Windows: everything but the virtual board; torch_*.py need an extra."""
    modules = [
        _module_name(path)
        for path in sorted(HOST.rglob("*.py"))
        if path.relative_to(HOST).parts[0] != "virtual"
        and path.name != "__main__.py"
        and not path.name.startswith("torch_")
    ]
    done = _import_all_without(["termios", "pty", "fcntl", "tty", "resource"], modules)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["push", "flash", "build", "monitor", "record", "devices"])
def test_a_user_without_the_training_extra_can(command: str) -> None:
    training = ["sklearn", "emlearn", "matplotlib", "joblib", "scipy"]
    done = _import_all_without(training, [f"midge.{command}", f"midge.cli.{command}"])
    assert done.returncode == 0, done.stderr
