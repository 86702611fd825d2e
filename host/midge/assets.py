"""Where the files that midge ships besides Python code are: in the checkout or in the installed wheel."""

from __future__ import annotations

from pathlib import Path

import midge_device

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]
_IN_CHECKOUT = (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "firmware").is_dir()
_ROOT = _CHECKOUT if _IN_CHECKOUT else _PACKAGE / "_shipped"


def native_folder() -> Path:
    """Folder of the C99 sources (front ends, family runtimes, module glue)."""
    return _ROOT / "firmware" / "native"


def apps_folder() -> Path:
    """Folder of the apps that `midge new --from NAME` copies."""
    return _ROOT / "apps"


def models_folder() -> Path:
    """Folder of the reference models."""
    return _ROOT / "models"


def board_main() -> Path:
    """The main.py that lands in / of a board."""
    return _ROOT / "firmware" / "main.py"


def device_library() -> Path:
    """Folder of `midge_device`, the library that lands in /lib of a board."""
    return Path(midge_device.__file__).resolve().parent


def kernels_folder() -> Path:
    """Folder of the compiled kernels, one file a target."""
    return _ROOT / "firmware" / "kernels"
