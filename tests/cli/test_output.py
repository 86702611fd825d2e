"""What commands print with: progress that suits where it goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from midge.cli import output


@pytest.fixture(autouse=True)
def _for_people() -> Iterator[None]:
    output.configure(as_json=False)
    yield
    output.configure(as_json=False)


def lines(steps_s: list[float], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is printed by a stage that tells its progress at these times."""
    times = iter([0.0, *steps_s])
    with output.progress("train", clock=lambda: next(times)) as advance:
        for number in range(len(steps_s)):
            advance(number, len(steps_s), f"fold {number + 1}")
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()


def test_without_a_terminal_long_work_tells_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines([1, 6, 7, 14], capsys) == ["train: fold 2, 25%, 6 s", "train: fold 4, 75%, 14 s"]


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines([0.1, 2, 4.9], capsys) == []


def test_a_program_that_reads_json_hears_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.configure(as_json=True)
    assert lines([1, 60, 120], capsys) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [(123.4, "120"), (1234567, "1200000"), (9.96, "10"), (9.3, "9.3"), (0.0123, "0.012"), (3, "3"), (0, "0")],
)
def test_figures_have_no_exponent(value: float, said: str) -> None:
    assert output.rounded(value) == said


def test_one_is_no_plural() -> None:
    assert (output.counted(1, "fold"), output.counted(2, "fold")) == ("1 fold", "2 folds")


def test_a_table_in_a_pipe_has_no_edge(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["name", "why"], [["a" * 60, "because " * 20]])
    assert len(capsys.readouterr().out.splitlines()) == 2
