"""What the documents and the help say is true: Python runs, commands are understood, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from midge import cli

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "apps", ROOT / "models")
    for path in (folder.glob("*.md") if folder in (ROOT, ROOT / "docs") else folder.rglob("*.md"))
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


def _blocks(document: Path, *kinds: str) -> list[str]:
    return [code for kind, code in FENCE.findall(document.read_text()) if kind in kinds]


def _commands(text: str) -> list[list[str]]:
    """Words of every `midge …` line, as a shell would see them."""
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    split = [shlex.split(line, comments=True) for line in lines if line.startswith("midge ")]
    return [words[1:-1] if words[-1] == "&" else words[1:] for words in split]


def _understood(words: list[str]) -> None:
    parser = cli._parser(words[0])
    try:
        parser.parse_args(words)
    except SystemExit:
        pytest.fail(f"midge {shlex.join(words)} is not understood")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_are_understood(document: Path) -> None:
    for block in _blocks(document, "", "console"):
        for words in _commands(block):
            _understood(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = _blocks(ROOT / "README.md", "python")
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert said.startswith("1.0\n")
    assert isinstance(names["mpy"], bytes)
    assert names["mpy"].startswith(b"M\x06")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_shows_an_example_that_is_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([name, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "--json" in shown or name == "board"
    examples = _commands(shown)
    assert examples, "the help has no example"
    for words in examples:
        _understood(words)


def test_the_readme_names_the_two_commands_on_its_first_screen() -> None:
    first_screen = (ROOT / "README.md").read_text().splitlines()[:24]
    assert any(line.startswith("make demo") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)
