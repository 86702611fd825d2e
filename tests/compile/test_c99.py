"""Generated C: its text, and its answers on this machine, equal to the integer forest bit for bit."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from midge import families, features, model_file
from midge.compile import c99, c99_forest_table, ir, votes
from midge.compile.host import HostModel
from midge.errors import CompileError, ModelError, UnsupportedModel
from midge.model_file import FrontEnd, Model, Sensor

WRITERS = [("code", "midge"), ("table", "midge"), ("code", "emlearn")]


def _model(forest: ir.Forest, X: np.ndarray) -> Model:
    return model_file.create(forest, X, name="probe", labels=[str(c) for c in range(forest.n_classes)])


def _lower(model: Model) -> votes.VotingForest:
    assert isinstance(model.ir, ir.Forest)
    return votes.lower(model.ir)


def _stump() -> Model:
    tree = ir.Tree(
        np.array([1], np.int32),
        np.array([-2.5]),
        np.array([-1], np.int32),
        np.array([-2], np.int32),
        np.array([[1.0, 0.0], [0.25, 0.75]]),
    )
    return _model(ir.Forest(2, 2, (tree,)), np.array([[0, 0]], np.int16))


def test_code_of_a_stump() -> None:
    text = c99.sources(_stump(), layout="code")["model.c"]
    assert "if (x[1] <= FOREST_LIMIT(-3)) {\n        sum_0 += 16776704u;\n    } else {" in text
    assert "sum_0 += 4194176u;" in text  # a quarter


def test_tables_of_a_stump() -> None:
    text = c99.sources(_stump(), layout="table")["model.c"]
    # 4 bytes: feature 1, both children leaves; limit above -3; class 0; the votes behind the classes.
    assert re.search(r"forest_nodes\[\] = \{\s+4, 193, 0, 0, 2,\s+\}", text)
    assert re.search(r"forest_votes\[\] = \{\s+0, 128, 255, 63, 129, 128, 254, 191,\s+\}", text)
    assert "forest_classify_1_byte(" in text and "    .lowest = -3,\n" in text


@pytest.mark.parametrize("value", [0, 191, 192, 16127, 16128, 2**24 - 1])
def test_numbers_of_tables(value: int) -> None:
    written = c99_forest_table.number(value)
    first = written[0]
    if first == 255:
        assert int.from_bytes(written[1:], "little") == value and len(written) == 4
    else:
        assert value == (first if len(written) == 1 else (first - 192) * 256 + written[1])


def test_numbers_of_tables_end() -> None:
    with pytest.raises(UnsupportedModel, match="too large for tables"):
        c99_forest_table.number(2**24)


@pytest.mark.parametrize(
    ("form", "n_features", "n_classes", "spread", "n_values"),
    [
        ("1_byte", 3, 3, 100, 201),
        ("1_place", 64, 4, 30000, 5),
        ("1_word", 9, 140, 30000, 60001),
        ("2_byte", 65, 2, 3, 7),
        ("2_place", 70, 130, 20000, 5),
        ("2_word", 70, 3, 30000, 60001),
    ],
)
def test_every_form_of_table(form: str, n_features: int, n_classes: int, spread: int, n_values: int) -> None:
    rng = np.random.default_rng(n_features)
    steps = np.linspace(-spread, spread, n_values).astype(np.int16)
    X = rng.choice(steps, (1500, n_features))
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 1500 - n_classes)])
    forest = families.to_ir(RandomForestClassifier(3, random_state=1).fit(X, y))
    assert isinstance(forest, ir.Forest)
    # Beside them a tree that is a single leaf.
    leaf = ir.Tree(
        *(np.zeros(0, kind) for kind in ("i4", "f8", "i4", "i4")), np.full((1, n_classes), 1 / n_classes)
    )
    model = _model(replace(forest, trees=(*forest.trees, leaf)), X)
    sources = c99.sources(model, layout="table")
    assert f"forest_classify_{form}(" in sources["model.c"]
    probes = np.concatenate([rng.integers(-spread - 1, spread + 1, (2000, n_features)).astype(np.int16), X])
    expected, winners = votes.predict(_lower(model), probes)
    found = HostModel(model, sources).classify(probes)
    assert np.array_equal(found[0], expected) and np.array_equal(found[1], winners)


def test_a_table_whose_tree_has_many_bytes() -> None:
    """Left subtrees above 16 kB, so that their sizes take four bytes."""
    n = 6000
    value = np.stack([np.arange(n + 1) % 2, 1 - np.arange(n + 1) % 2], axis=1).astype(np.float64)

    def halves(low: int, high: int) -> int:
        if low == high:
            return ~low
        node, middle = len(feature), (low + high) // 2
        feature.append(0)
        threshold.append(float(3 * middle))
        left.append(0)
        right.append(0)
        left[node], right[node] = halves(low, middle), halves(middle + 1, high)
        return node

    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    halves(0, n)
    whole = (
        np.array(feature, np.int32),
        np.array(threshold),
        np.array(left, np.int32),
        np.array(right, np.int32),
    )
    rows = np.arange(-2, 3 * n + 5, dtype=np.int16)[:, None]
    model = _model(ir.Forest(1, 2, (ir.Tree(*whole, value),)), rows[:50])
    expected, winners = votes.predict(_lower(model), rows)
    found = HostModel(model, c99.sources(model, layout="table")).classify(rows)
    assert np.array_equal(found[0], expected) and np.array_equal(found[1], winners)


def test_emlearn_gets_thresholds_one_higher() -> None:
    assert "features[1] < -2" in c99.sources(_stump(), backend="emlearn")["model.c"]


def _check(seed: int, n_trees: int, depth: int | None, n_classes: int, bits: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    spread = int(rng.choice([5, 1000, 32767]))
    X = rng.integers(-spread - 1, spread + 1, (150, 6)).astype(np.int16)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 150 - n_classes)])
    kind = ExtraTreesClassifier if seed % 2 else RandomForestClassifier
    fitted = kind(n_trees, max_depth=depth, random_state=seed % 2**31).fit(X, y)
    model = _model(families.to_ir(fitted), X)
    assert isinstance(model.ir, ir.Forest)
    model = replace(model, ir=replace(model.ir, vote_bits=bits))
    probes = np.concatenate([rng.integers(-spread - 1, spread + 1, (rows, 6)).astype(np.int16), X])
    expected, winners = votes.predict(_lower(model), probes)
    for layout, backend in WRITERS:
        found = HostModel(model, c99.sources(model, layout=layout, backend=backend)).classify(probes)
        assert np.array_equal(found[0], expected), f"{layout} {backend}: scores"
        assert np.array_equal(found[1], winners), f"{layout} {backend}: winners"


@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 6),
    depth=st.integers(1, 6),
    n_classes=st.integers(2, 5),
    bits=st.sampled_from([16, 32]),
)
@settings(max_examples=4)
def test_every_writer_gives_the_same_bits(
    seed: int, n_trees: int, depth: int, n_classes: int, bits: int
) -> None:
    _check(seed, n_trees, depth, n_classes, bits, 300)


@pytest.mark.check
@given(
    seed=st.integers(0, 2**32 - 1),
    n_trees=st.integers(1, 30),
    depth=st.one_of(st.none(), st.integers(1, 12)),
    n_classes=st.integers(2, 12),
    bits=st.sampled_from([16, 32]),
)
@settings(max_examples=60)
def test_every_writer_gives_the_same_bits_deep(
    seed: int, n_trees: int, depth: int | None, n_classes: int, bits: int
) -> None:
    _check(seed, n_trees, depth, n_classes, bits, 5000)


def test_a_tree_deeper_than_compilers_nest() -> None:
    n = 400
    nodes = np.arange(n, dtype=np.int32)
    last = np.where(nodes + 1 < n, nodes + 1, ~n).astype(np.int32)
    value = np.stack([np.arange(n + 1) % 2, 1 - np.arange(n + 1) % 2], axis=1).astype(np.float64)
    chain = ir.Tree(np.zeros(n, np.int32), nodes.astype(np.float64), ~nodes, last, value)
    rows = np.arange(-2, n + 3, dtype=np.int16)[:, None]
    model = _model(ir.Forest(1, 2, (chain,)), rows)
    expected, winners = votes.predict(_lower(model), rows)
    for layout in ("code", "table"):
        found = HostModel(model, c99.sources(model, layout=layout)).classify(rows)
        assert np.array_equal(found[0], expected)
        assert np.array_equal(found[1], winners)


def _framed(window: int, hop: int) -> Model:
    names = ("x.mean", "z.jerk", "m.max@2/2", "y.mc")
    # A tree that reads all four, so that none is dropped.
    chain = ir.Tree(
        np.arange(4, dtype=np.int32),
        np.zeros(4),
        np.array([-1, -2, -3, -4], np.int32),
        np.array([1, 2, 3, -5], np.int32),
        np.eye(5)[:, :2] + np.array([[0, 0], [0, 0], [1, 0], [0, 1], [1, 0]]),
    )
    frontend = FrontEnd("motion", ("x", "y", "z"), window, hop, names, (8192.0, 8192.0, 8192.0, 1.0))
    return model_file.create(
        ir.Forest(4, 2, (chain,)),
        np.zeros((1, 4), np.int16),
        name="framed",
        labels=["a", "b"],
        frontend=frontend,
        sensor=Sensor(100, 4),
    )


@pytest.mark.parametrize(("window", "hop"), [(16, 4), (16, 16), (7, 1), (6, 11)])
def test_the_front_end_cuts_a_stream_as_numpy_does(window: int, hop: int) -> None:
    model = _framed(window, hop)
    stream = np.random.default_rng(1).integers(-9000, 9000, (90, 3)).astype(np.int16)
    starts = range(0, len(stream) - window + 1, hop)
    windows = np.stack([stream[start : start + window] for start in starts])
    assert model.frontend is not None
    expected = features.extract(model.frontend.features, windows)
    assert np.array_equal(HostModel(model, c99.sources(model)).stream(stream), expected)


def test_info_says_what_the_board_needs() -> None:
    config = c99.sources(_framed(16, 4))["model_config.h"]
    literal = re.search(r"MIDGE_INFO_JSON (\".*\")", config)
    assert literal is not None
    said = json.loads(json.loads(literal[1]))
    assert said == c99.info(_framed(16, 4))
    assert (said["window"], said["hop"], said["rate_hz"], said["channels"]) == (16, 4, 100, ["x", "y", "z"])


def test_labels_that_do_not_fit_are_refused() -> None:
    model = replace(_stump(), labels=("a" * 600, "b" * 600))
    with pytest.raises(CompileError, match="shorten the labels"):
        c99.sources(model)


@pytest.mark.parametrize("label", ['"', "\\", "??/", "ü", "*/", "\n"])
def test_any_label_survives_the_way_through_c(label: str) -> None:
    config = c99.sources(replace(_stump(), labels=(label, "b"), name=label))["model_config.h"]
    literal = re.search(r"MIDGE_INFO_JSON (\".*\")", config)
    assert literal is not None
    said = json.loads(literal[1].replace("\\?", "?").encode().decode("unicode_escape")[1:-1])
    assert said["labels"] == [label, "b"]


@pytest.mark.parametrize(("layout", "backend"), [("tree", "auto"), ("auto", "gcc"), ("table", "emlearn")])
def test_what_is_not_there_is_refused(layout: str, backend: str) -> None:
    with pytest.raises(CompileError):
        c99.sources(_stump(), layout=layout, backend=backend)


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ModelError, match="shape"):
        HostModel(_stump(), c99.sources(_stump())).classify(np.zeros((1, 3), np.int16))
