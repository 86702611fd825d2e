"""midge.compile(estimator, X): what a user with an estimator sees."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import midge
from midge.compile import toolchain
from midge.errors import CompileError, ModelError, ParityError, UnsupportedModel

X, Y = load_digits(return_X_y=True)
TRAIN, TEST = slice(0, 900), slice(900, None)


@pytest.fixture(scope="module")
def forest() -> Any:
    return RandomForestClassifier(5, max_depth=6, random_state=0).fit(X[TRAIN], Y[TRAIN])


@pytest.fixture(scope="module")
def compiled(forest: Any) -> Any:
    return midge.compile(forest, X[TRAIN])


def test_importing_midge_is_light() -> None:
    program = "import midge, sys; print(sorted({'numpy', 'sklearn', 'unicorn', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_midge_compile_is_function_and_package() -> None:
    program = (
        "import midge; f = midge.compile; import midge.compile.ir; print(callable(f), midge.compile is f)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True"


def test_it_predicts_what_the_estimator_predicts(forest: Any, compiled: Any) -> None:
    assert np.array_equal(compiled.predict(X[TEST]), forest.predict(X[TEST]))
    assert np.abs(compiled.predict_scores(X[TEST]) - forest.predict_proba(X[TEST])).max() < 2e-4
    assert all(link.holds and link.rows == 900 for link in compiled.links)


def test_its_c_is_one_file_that_compiles_alone(compiled: Any) -> None:
    text = compiled.c_source
    assert '#include "' not in text
    export = '__attribute__((visibility("default"))) int32_t run(const int16_t *x, int16_t *s) '
    library = ctypes.CDLL(
        str(toolchain.host_library({"one.c": text + export + "{ return midge_classify(x, s); }"}))
    )
    scores = (ctypes.c_int16 * 10)()
    for row in X[TEST][:50]:
        features = (ctypes.c_int16 * 64)(*row.astype(int).tolist())
        assert library.run(features, scores) == compiled.predict(row[None])[0]


def test_it_builds_and_measures(compiled: Any) -> None:
    module = compiled.build("armv6m")
    cost = compiled.measure("armv6m", X[TEST][:20])
    assert module[:1] == b"M"
    assert cost.module_bytes == len(module)
    assert 0 < cost.instructions_mean <= cost.instructions_max
    assert cost.state_bytes == 0
    assert cost.ram_bytes == cost.module_bytes + cost.stack_bytes


@pytest.mark.parametrize(
    "names", [np.array(list("abcdefghij")), np.arange(10) * 100 - 7, np.array(list("abcdefghij"), object)]
)
def test_class_labels_of_any_type_come_back(names: Any) -> None:
    fitted = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X[TRAIN], names[Y[TRAIN]])
    made = midge.compile(fitted, X[TRAIN])
    found = made.predict(X[TEST])
    assert found.dtype == fitted.classes_.dtype
    assert np.array_equal(found, fitted.predict(X[TEST]))


@pytest.mark.parametrize(("data", "kind"), [(load_iris, "affine"), (load_breast_cancer, "ranks")])
def test_float_features_are_exact_on_every_row(data: Any, kind: str) -> None:
    values, classes = data(return_X_y=True)
    fitted = RandomForestClassifier(8, max_depth=6, random_state=0).fit(values[::2], classes[::2])
    made = midge.compile(fitted, values[::2])
    # A scale where it tells all decimals of the features apart.
    assert made.model.quantisation.kind == kind
    assert made.model.quantisation.collisions == 0
    assert np.array_equal(made.predict(values), fitted.predict(values))


@pytest.mark.parametrize("layout", ["code", "table"])
def test_layouts_give_the_same_scores(forest: Any, compiled: Any, layout: str) -> None:
    other = midge.compile(forest, X[TRAIN], layout=layout)
    assert np.array_equal(other.predict_scores(X[TEST]), compiled.predict_scores(X[TEST]))


def test_doubles_are_the_same_module_in_either_layout() -> None:
    rows = load_iris().data
    envelope = EllipticEnvelope(random_state=0).fit(rows)
    made = [midge.compile(envelope, rows, layout=layout) for layout in ("code", "table")]
    assert (made[0].predict(rows) == envelope.predict(rows)).all()
    assert made[0].build("armv7emdp") == made[1].build("armv7emdp")


def test_misuse_is_explained(forest: Any, compiled: Any) -> None:
    with pytest.raises(UnsupportedModel, match="not fitted"):
        midge.compile(RandomForestClassifier(), X)
    with pytest.raises(CompileError, match="63 features"):
        midge.compile(forest, X[:, :63])
    with pytest.raises(CompileError, match="1 features"):
        midge.compile(forest, X[:, :1])
    with pytest.raises(ModelError, match="row 0, feature 2"):
        row = X[:1].copy()
        row[0, 2] = 0.5
        compiled.predict(row)
    with pytest.raises(AttributeError):
        midge.nothing  # noqa: B018


def test_features_that_no_scale_can_part_are_ranks() -> None:
    X = np.exp(np.random.default_rng(0).normal(size=(60, 1)) * 5)
    y = np.argsort(np.argsort(X[:, 0])) % 2
    fitted = DecisionTreeClassifier(random_state=0).fit(X, y)
    compiled = midge.compile(fitted, X)
    assert np.array_equal(compiled.predict(X), y)
    rows = np.exp(np.random.default_rng(1).normal(size=(500, 1)) * 9)
    assert np.array_equal(compiled.predict(rows), fitted.predict(rows))


def test_what_int16_takes_from_an_estimator_is_refused() -> None:
    X, y = load_iris(return_X_y=True)
    X = X.copy()
    X[0] *= 1e6
    with pytest.raises(ParityError, match="span too much"):
        midge.compile(GaussianNB(var_smoothing=0).fit(X, y), X)


def test_estimators_fitted_in_single_precision_are_taken() -> None:
    source = np.random.default_rng(1)
    X = (source.normal(size=(150, 3)) * 100).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    for estimator in (SGDClassifier(random_state=0), MLPClassifier((5,), max_iter=40, random_state=0)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = estimator.fit(X, y)
        assert (midge.compile(fitted, X).predict(X) == fitted.predict(X)).mean() > 0.98
