"""Every peer that is installed, on a tiny tree; and what the table makes of it all."""

import importlib
import importlib.util
import json

import measure
import numpy as np
import peers
import pytest
from table import MIDGE, PEER, QUOTED, Cost, Result, Row, lines, summary
from works import Work, gesture

from midge import targets

TARGET = targets.get("armv6m")


def tiny_forest():
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(2, max_depth=2, random_state=1)


TINY = Work("tiny", "tiny", gesture, tiny_forest)


@pytest.fixture(autouse=True)
def one_optimisation_level(monkeypatch):
    """Each level makes the compiler build its run-time library: seconds."""
    monkeypatch.setattr(peers.image, "OPTIMISE", ("-Os",))


@pytest.fixture(scope="module")
def fitted():
    estimator, split = TINY.fit()
    return estimator, split.X_train, split.X_test[:20]


@pytest.mark.parametrize("package", peers.PEERS)
def test_peer_compiles_and_answers_mostly_right(package, fitted):
    if importlib.util.find_spec(package) is None:  # to import it may change numpy's error state for all tests
        pytest.skip(f"{package} is not installed: make peers")
    estimator, X, X_test = fitted
    variants = list(importlib.import_module(peers.PEERS[package]).variants(estimator, X))
    assert variants
    for variant in variants:
        program = variant.make()
        built = peers.image.build(program, TARGET, "-Os")
        ran = measure.run(built, TARGET, program.encode(X_test))
        assert np.mean(ran.answers == estimator.predict(X_test)) >= 0.5, variant.name
        assert 10 < ran.instructions < 10_000


def test_midge_is_measured_and_right_as_module_and_as_c(monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {})
    result = peers.measure_work(TINY, [TARGET], n_rows=20)
    assert {row.flags for row in result.rows} == {".mpy", "-Os"}
    assert all(row.side == MIDGE and row.costs["armv6m"].wrong == 0 for row in result.rows)


def test_what_midge_can_not_compile_is_a_row_that_says_so(monkeypatch):
    from sklearn.dummy import DummyClassifier

    monkeypatch.setattr(peers, "PEERS", {})
    result = peers.measure_work(Work("dummy", "dummy", gesture, DummyClassifier), [TARGET], n_rows=5)
    (row,) = result.rows
    assert not row.costs
    assert "UnsupportedModel" in row.note
    assert "—" in "\n".join(lines([result], ["armv6m"]))


def test_a_peer_that_is_not_installed_is_quoted(monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {"emlearn": "no_such_peer"})
    work = Work("forest-10x8", "a forest", gesture, tiny_forest)
    result = peers.measure_work(work, [TARGET], n_rows=5)
    quoted = [row for row in result.rows if row.side == QUOTED]
    assert {"emlearn inline, hard votes", "emlearn-micropython's C core"} <= {row.name for row in quoted}
    assert all("quoted" in row.note for row in quoted)


def test_ratios_are_against_the_best_of_each_side():
    result = Result("w", "a work", 9, must=(10.0,))
    result.rows += [
        Row(MIDGE, "midge", "-Os", {"armv6m": Cost(40, 100, 0)}),
        Row(MIDGE, "midge", "-O2", {"armv6m": Cost(20, 200, 0)}),
        Row(MIDGE, "midge", ".mpy", {"armv6m": Cost(15, 300, 1)}),
        Row(PEER, "careless", "-O2", {"armv6m": Cost(30, 1, 3)}),
        Row(PEER, "careful", "-O2", {"armv6m": Cost(90, 1, 0)}),
    ]
    text = [line.split() for line in lines([result], ["armv6m"])]
    assert ["peer", "/", "midge", "2.00", "×"] in text
    assert ["the", "same,", "without", "fault", "4.50", "×"] in text


@pytest.mark.parametrize(
    ("cost", "said"),
    [(Cost(15, 1, 0), "15 met"), (Cost(16, 1, 0), "15 missed"), (Cost(9, 1, 1), "15 missed")],
)
def test_goals_are_met_by_modules_that_are_right(cost, said):
    result = Result("w", "a work", 9, must=(15.0,), reach=(8.0,))
    result.rows += [
        Row(MIDGE, "midge", "-O2", {"armv6m": Cost(3, 1, 0)}),
        Row(MIDGE, "midge", ".mpy", {"armv6m": cost}),
        Row(PEER, "careful", "-O2", {"armv6m": Cost(2, 1, 0)}),
    ]
    text = [" ".join(line.split()) for line in lines([result], ["armv6m"])]
    assert f"must {said}" in text
    assert "reach 8 missed" in text


def test_the_summary_sets_modules_against_the_cheapest_peer():
    result = Result("w", "a work", 9)
    result.rows += [
        Row(MIDGE, "midge", "-O2", {"armv6m": Cost(3, 1, 0)}),
        Row(MIDGE, "midge", ".mpy", {"armv6m": Cost(15, 1, 0)}),
        Row(MIDGE, "midge", ".mpy", {"armv6m": Cost(5, 1, 2)}),
        Row(PEER, "careless", "-O2", {"armv6m": Cost(30, 1, 4)}),
    ]
    _, line = summary([result], ["armv6m"])
    assert line.split() == ["a", "work", "30", "15", "2.0", "×", "2"]


def test_json_holds_every_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers, "PEERS", {})
    monkeypatch.setattr(
        peers, "WORKS", {"forest-10x8": Work("forest-10x8", "a forest", gesture, tiny_forest)}
    )
    arguments = [
        "--only",
        "forest-10x8",
        "--target",
        "armv6m",
        "--rows",
        "5",
        "--json",
        str(tmp_path / "costs.json"),
    ]
    assert peers.main(arguments) == 0
    (work,) = json.loads((tmp_path / "costs.json").read_text(encoding="utf-8"))["works"]
    midge = [row for row in work["rows"] if row["side"] == MIDGE]
    assert midge
    printed = capsys.readouterr().out
    for row in midge:
        assert f"{row['costs']['armv6m']['instructions']:,.0f}" in printed
