"""What is at a limit is taken, what is beyond it is refused: of models, tables, caches and golden rows."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_models

import midge
from midge import families, model_file
from midge.compile import agreement, c99_forest_table, golden, ir, votes
from midge.compile.cache import cache_folder, digest
from midge.compile.neighbors import gaps
from midge.errors import CompileError, ModelError, ParityError, UnsupportedModel


def leaf(n_values: int) -> dict[str, Any]:
    """A tree that always says the same."""
    part: dict[str, Any] = {name: [] for name in ("feature", "threshold", "left", "right")}
    return {**part, "value": [[1.0 / max(n_values, 1)] * n_values]}


def taken(data: dict[str, Any]) -> bool:
    try:
        ir.from_json(data)
    except ModelError:
        return False
    return True


def test_forests_of_all_sizes() -> None:
    def forest(n_features: int, n_classes: int, n_trees: int, bits: int = 32) -> dict[str, Any]:
        trees = [leaf(n_classes)] * n_trees
        return {
            "kind": "forest",
            "n_features": n_features,
            "n_classes": n_classes,
            "trees": trees,
            "vote_bits": bits,
        }

    assert taken(forest(1, 1, 1)) and taken(forest(32767, 255, 2))
    assert not taken(forest(0, 2, 1)) and not taken(forest(32768, 2, 1))
    assert not taken(forest(3, 0, 1)) and not taken(forest(3, 256, 1))
    assert taken(forest(3, 2, 65535)) and not taken(forest(3, 2, 65536))
    narrow = ir.MAX_NARROW_TREES
    assert taken(forest(3, 2, narrow, 16)) and not taken(forest(3, 2, narrow + 1, 16))


def test_leaves_of_probabilities() -> None:
    good = small_models.ALL["forest"].to_json()
    for value, is_fine in ((0.0, True), (1.0, True), (-1e-6, False), (1.0 + 1e-6, False)):
        changed = copy.deepcopy(good)
        changed["trees"][0]["value"][0][0] = value
        assert taken(changed) == is_fine


@pytest.mark.parametrize("name", ["linear", "gaussian", "rbf", "neighbours", "quadratic", "boosting"])
def test_features_of_other_kinds(name: str) -> None:
    wide = {
        "rbf": ("vectors",),
        "gaussian": ("mean", "variance"),
        "linear": ("weights",),
        "quadratic": ("maps",),
    }
    wide["neighbours"] = ("points",)
    node = small_models.ALL[name]
    data = node.to_json()
    for n_features, is_fine in ((32767, True), (32768, False)):
        made = dict(data)
        for key in wide.get(name, ()):
            made[key] = [[1.0] * n_features for _ in data[key]]
        for key in ("low", "high", "metric"):
            if key in made:
                made[key] = [1.0] * n_features
        if name == "boosting":
            made["n_features"] = n_features
        assert taken(made) == is_fine


def test_ranges_that_are_turned_round_are_refused() -> None:
    for name in ("linear", "rbf", "neighbours", "net relu"):
        data = small_models.ALL[name].to_json()
        zeros = [0.0] * small_models.ALL[name].n_features
        assert taken({**data, "low": zeros, "high": zeros})
        assert not taken({**data, "low": [1e-9, *zeros[1:]], "high": zeros})
        assert not taken({**data, "low": [*zeros, 0.0], "high": [*zeros, 0.0]})
        assert not taken({**data, "high": zeros[1:]})


def test_numbers_of_classes() -> None:
    data = small_models.linear(1, small_models.Verdict("highest", "softmax", 3), 2).to_json()
    assert taken(data)
    for n_classes in (0, 1, 2, 4, 256, "3", 3.5):
        assert not taken({**data, "n_classes": n_classes})
    for change in (
        {"decide": "guess"},
        {"scores": "votes"},
        {"unit": -1.0},
        {"center": None},
        {"unit": float("inf")},
    ):
        assert not taken({**data, **change})
    two = small_models.linear(1, small_models.Verdict("duels", "decision", 2), 2).to_json()
    assert taken(two)
    three = small_models.linear(1, small_models.Verdict("duels", "votes", 3), 2).to_json()
    assert taken(three) and not taken({**three, "scores": "decision"})
    assert not taken({**small_models.ALL["linear, number"].to_json(), "n_classes": 2})


def test_what_cannot_be_computed_precisely_is_refused() -> None:
    inner = {
        name: small_models.ALL[name].to_json() for name in ("linear", "quadratic", "forest", "precise linear")
    }
    assert taken({"kind": "precise", "inner": inner["linear"]}) and taken(
        {"kind": "precise", "inner": inner["quadratic"]}
    )
    for wrong in (inner["forest"], inner["precise linear"], {}, None, {**inner["linear"], "kind": "oracle"}):
        with pytest.raises(ModelError):
            ir.from_json({"kind": "precise", "inner": wrong})


def test_kernels_that_are_not_known() -> None:
    data = small_models.ALL["poly"].to_json()
    assert taken({**data, "degree": 8}) and taken({**data, "degree": 0})
    for change in ({"degree": 9}, {"degree": -1}, {"degree": 2.5}, {"function": "sigmoid"}, {"gamma": 1e300}):
        assert not taken({**data, **change})
    assert not taken({**small_models.ALL["rbf"].to_json(), "counts": [41, -1, 0]})


def test_neighbours_that_are_too_many() -> None:
    data = small_models.ALL["neighbours"].to_json()
    assert taken({**data, "n_neighbors": 1}) and taken({**data, "n_neighbors": 50})
    assert not taken({**data, "n_neighbors": 51}) and not taken({**data, "n_neighbors": 0})
    for wrong in (3.0, -1.0, 0.5):
        assert not taken({**data, "targets": [wrong, *data["targets"][1:]]})


def test_tables_name_a_limited_number_of_features_and_classes() -> None:
    def forest(n_features: int) -> votes.VotingForest:
        tree = small_models.tree(np.random.default_rng(0), n_features, 3, 2)
        return votes.lower(ir.Forest(n_features, 2, (tree,), 32))

    assert "midge_classify" in c99_forest_table.code(forest(0x4000))
    with pytest.raises(UnsupportedModel, match=r"16384 features.*use the layout 'code'"):
        c99_forest_table.code(forest(0x4001))


def test_metadata_of_a_module_fit_its_buffer() -> None:
    from midge.compile import c99

    node = small_models.ALL["forest"]
    rows = small_models.rows(1, node.n_features)

    def text_bytes(label: str) -> int:
        model = model_file.create(node, rows, name="m", labels=[label, "b", "c"])
        text = c99.sources(model)["model_config.h"]
        (line,) = (line for line in text.splitlines() if "INFO_JSON" in line)
        return len(line.split(" ", 2)[2].strip('"').replace('\\"', '"'))

    room = c99.INFO_LIMIT_BYTES - 1 - text_bytes("")
    assert text_bytes("x" * room) == c99.INFO_LIMIT_BYTES - 1
    with pytest.raises(
        CompileError, match=f"take {c99.INFO_LIMIT_BYTES} bytes, {c99.INFO_LIMIT_BYTES - 1} is the most"
    ):
        text_bytes("x" * (room + 1))


@pytest.mark.parametrize(
    ("system", "variables", "place"),
    [
        ("linux", {"HOME": "H"}, "H/.cache/midge"),
        ("linux", {"HOME": "H", "XDG_CACHE_HOME": "X"}, "X/midge"),
        ("darwin", {"HOME": "H"}, "H/Library/Caches/midge"),
        ("win32", {"HOME": "H", "LOCALAPPDATA": "L"}, "L/midge/Cache"),
        ("win32", {"HOME": "H"}, "H/AppData/Local/midge/Cache"),
        ("darwin", {"HOME": "H", "MIDGE_CACHE": "C/own"}, "C/own"),
    ],
)
def test_the_cache_is_where_the_system_keeps_such(
    system: str, variables: dict[str, str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MIDGE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setattr(sys, "platform", system)
    found = cache_folder()
    assert found == tmp_path / place and found.is_dir()
    assert cache_folder() == found


def test_keys_are_short_and_differ() -> None:
    assert len(digest(["a"])) == 32
    assert len({digest(parts) for parts in (["a", "b"], ["ab"], ["", "ab"], ["a"], [], [""])}) == 6


def test_the_self_test_of_a_board_fills_its_room_to_the_byte() -> None:
    rows = np.arange(60, dtype=np.int16).reshape(10, 6)
    scores, index = np.zeros((10, 2), np.int16), np.arange(10).astype(np.uint16) % 2
    windows = np.ones((2, 5, 3), np.int16)
    made = golden.Golden(rows, scores, index, windows, rows[:2], scores[:2], index[:2])
    row, window, frame = 2 * (6 + 2 + 1), 2 * (5 * 3 + 2 + 1), 16 + 4

    def sizes(limit: int) -> tuple[int, int, int]:
        blob = golden.test_blob(made, 6, 2, limit)
        return len(blob), int.from_bytes(blob[8:10], "little"), int.from_bytes(blob[10:12], "little")

    assert sizes(frame + row + window) == (frame + row + window, 1, 1)
    # Without room for both, rows alone.
    assert sizes(frame + row + window - 1) == (frame + 2 * row, 2, 0)
    assert sizes(frame + 3 * row + window) == (frame + 3 * row + window, 3, 1)
    assert sizes(frame + 3 * row + window - 1) == (frame + 2 * row + window, 2, 1)
    assert sizes(10_000) == (frame + 10 * row + window, 10, 1)


@pytest.mark.parametrize(
    "name", ["forest", "boosting", "linear", "rbf, two", "gaussian, calm", "net tanh", "quadratic"]
)
def test_an_estimator_that_says_something_else_is_not_compiled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a hundredth of full scale in one score of one row is enough."""
    from sklearn.linear_model import LogisticRegression

    node = small_models.ALL[name]
    X = small_models.rows(3, node.n_features, 40)
    node = node.calibrated(X) if hasattr(node, "calibrated") else node
    from midge.compile import reference

    found = reference.evaluate(node, X)
    changed = found.scores.copy()
    monkeypatch.setattr(families, "to_ir", lambda estimator, given: node)
    monkeypatch.setattr(families, "classes", lambda estimator, of: np.arange(node.n_scores))
    monkeypatch.setattr(families, "answers", lambda estimator, of, rows: (changed, found.winners))
    estimator = LogisticRegression()
    assert midge.compile(estimator, X).model.ir.kind == node.kind
    changed[17, 1] += 0.005
    with pytest.raises(ParityError, match=r"1 of 40 training rows \(first: row 17\)"):
        midge.compile(estimator, X)


def test_scores_of_neighbours_are_their_shares() -> None:
    node = small_models.ALL["neighbours"]
    X = small_models.rows(5, node.n_features, 200)
    node = node.calibrated(X)
    from midge.compile import neighbors_integer, reference

    lowered = neighbors_integer.lower(node)
    scores, winners = neighbors_integer.predict(lowered, X)
    found = reference.evaluate(node, X)
    clear = gaps(node, X.astype(float)) > lowered.epsilon
    assert clear.sum() > 150
    assert np.abs(scores / 32767 - found.scores)[clear].max() < 1e-4
    assert np.array_equal(winners[clear], found.winners[clear])


def test_a_link_counts_rows_inside_and_outside_its_bound() -> None:
    link = agreement._link(
        "x",
        winners=np.array([0, 1, 1, 0]),
        other=np.array([0, 0, 0, 0]),
        margins=np.array([0.5, 0.1, 0.10001, 0.05]),
        score_error=0.25,
        epsilon=0.1,
    )
    assert (link.rows, link.differ, link.inside, link.differ_inside) == (4, 1, 2, 1)
    assert not link.holds and not agreement.all_hold([link])
    assert str(link) == "x: 2 of 4 rows agree, 2 within ε = 1.0e-01 (1 of them differ)"


def test_half_a_step_moves_a_linear_margin_by_just_what_is_said() -> None:
    for rule in ("highest", "sign"):
        n_classes = 3 if rule == "highest" else 2
        node = small_models.linear(7, small_models.Verdict(rule, "decision", n_classes), 6)
        X = small_models.rows(8, 6, 300).astype(float)
        values = X @ node.weights.T + node.bias
        most = 0.0
        for i in range(len(node.weights)):
            others = [j for j in range(len(node.weights)) if j != i] or [None]
            for j in others:
                apart = node.weights[i] - (node.weights[j] if j is not None else 0)
                most = max(most, float(np.abs(apart).sum() * 0.5))
        assert values.shape[0] == 300 and node.input_epsilon() == pytest.approx(most)


def test_errors_of_features_move_margins_of_many_classes_by_the_two_largest() -> None:
    from midge.compile.linear import spread

    weights = np.random.default_rng(0).normal(size=(70, 4))
    errors = np.array([0.5, 1.0, 0.25, 2.0])
    moved = np.sort(np.abs(weights) @ errors)
    rule = small_models.Verdict("highest", "decision", 70)
    assert spread(weights, errors, rule) == pytest.approx(moved[-1] + moved[-2])
    apart = max(float(np.abs(a - b) @ errors) for a in weights[:64] for b in weights[:64])
    assert spread(weights[:64], errors, rule) == pytest.approx(apart)
