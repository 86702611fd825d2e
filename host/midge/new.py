"""An own app, in an own folder: a copy of an app that midge ships, under a new name."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import dataset, recipe, suggest
from .errors import RecipeError
from .recipe import Recipe

# Recordings are of people, and what is built can be built again.
_GITIGNORE = """/build/
/data/
/recordings/
"""
_README = """# {name}

An app for a board with {sensor}, made by `midge new`.

`app.toml` is its recipe: change the labels first, then whatever you like. `main.py` is what the board runs.

```
midge flash {folder} DEVICE                                       # the board can record now
midge record {folder} --device DEVICE --label {label} --group ann --seconds 20
midge record {folder} --device DEVICE --label {other} --group ann --seconds 60
midge train {folder}                                              # → {folder}/build/
midge push {folder} DEVICE                                        # the model only, while the app runs
midge monitor DEVICE
```

{advice}
"""
_BY_EVENT = (
    "Record every label with several people (`--group`): in a take, rest a second, make the gesture, rest "
    "again, a few times. Record minutes of `{other}`: whatever the hand does besides."
)
_BY_TAKE = (
    "Record one performance a take (`--seconds 3 --takes 10`), with several people (`--group`). On a board, "
    "rest and everything else are answered with one of the labels too, unless one of them is `background` in "
    "`[labels]`: record minutes of that, whatever the hand does besides."
)
_ALL_THE_TIME = "Record every label with several people or machines (`--group`), a minute or more of each."

_WORDS = (
    "Say one word a take (`--seconds 1.5 --takes 10`), with many people (`--group`). Record minutes of "
    "`{other}`: other words, music, the room."
)


@dataclass(frozen=True)
class Made:
    """The app's folder, and why its recipe is as it is."""

    folder: Path
    reasons: tuple[str, ...] = ()


def new(name: str, source: str, into: Path | None = None) -> Path:
    """Make the folder `into`/`name` (default: below the current folder); returns it.

    Raises RecipeError if the name is no app name, the source is no app, or something is there already.
    """
    _check_name(name)
    template = Recipe.load(source)
    text = recipe.find(source).read_text(encoding="utf-8")
    renamed, n = re.subn(
        rf'^(name\s*=\s*)"{re.escape(template.name)}"', rf'\g<1>"{name}"', text, count=1, flags=re.MULTILINE
    )
    if n != 1:
        raise RecipeError(f"{recipe.find(source)}: [app] name must be a line of its own to be copied")
    return _write(name, into, renamed, template)


def new_for(
    name: str, source: str, data: Path, into: Path | None = None, *, window_s: float | None = None
) -> Made:
    """As `new`, with a recipe that suits the recordings in `data`; its code is the source's.

    Raises RecipeError as `new`, DatasetError if the recordings don't go together.
    """
    _check_name(name)
    template = Recipe.load(source)
    found = suggest.recipe_text(name, dataset.load(data), window_s)
    return Made(_write(name, into, found.text, template), found.reasons)


def _check_name(name: str) -> None:
    if not recipe.NAME.match(name):
        raise RecipeError(
            f"{name!r} can't be an app's name; use small letters, digits, '_' or '-', a letter first"
        )


def _write(name: str, into: Path | None, text: str, template: Recipe) -> Path:
    folder = (Path() if into is None else into) / name
    if folder.exists():
        raise RecipeError(f"{folder} is there already; choose another name or remove it")
    try:
        folder.mkdir(parents=True)
        (folder / recipe.FILE_NAME).write_text(text, encoding="utf-8")
        (folder / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
        for script in sorted(template.folder.glob("*.py")):
            shutil.copy(script, folder / script.name)
        (folder / "README.md").write_text(_readme(Recipe.load(folder), name, folder), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RecipeError(f"{folder} can't be written ({error}); choose another place") from None
    except RecipeError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _readme(template: Recipe, name: str, folder: Path) -> str:
    other = template.background or template.labels[-1]
    of_kind = {"event": _BY_EVENT, "take": _BY_TAKE}
    advice = of_kind.get(template.train.windows, _ALL_THE_TIME).format(other=other)
    where = folder if folder.is_absolute() else f"./{folder.as_posix()}"
    sensor = "a microphone" if template.sensor.kind == "sound" else "an accelerometer"
    if template.sensor.kind == "sound":
        advice = _WORDS.format(other=other)
    return _README.format(
        sensor=sensor, name=name, folder=where, label=template.labels[0], other=other, advice=advice
    )
