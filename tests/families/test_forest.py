"""Trees and forests of scikit-learn against the IR's reference: equal to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from midge import families
from midge.compile import reference
from midge.errors import UnsupportedModel

X, Y = load_digits(return_X_y=True)
X, Y = X[:500], Y[:500]
ESTIMATORS = [
    DecisionTreeClassifier(random_state=0),
    DecisionTreeClassifier(max_depth=3, criterion="entropy", random_state=0),
    ExtraTreeClassifier(max_depth=5, random_state=0),
    RandomForestClassifier(7, max_depth=4, random_state=0),
    RandomForestClassifier(3, max_depth=4, class_weight="balanced", random_state=0),
    ExtraTreesClassifier(5, max_depth=6, random_state=0),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_scores_are_the_estimators_own(estimator: Any) -> None:
    fitted = estimator.fit(X, Y)
    assert np.array_equal(reference.predict(families.to_ir(fitted), X), fitted.predict_proba(X))


def test_a_stump_without_a_split_is_a_leaf() -> None:
    fitted = DecisionTreeClassifier().fit(np.zeros((6, 2)), [0, 1, 1, 0, 1, 1])
    ir = families.to_ir(fitted)
    assert len(ir.trees[0].feature) == 0
    assert np.array_equal(reference.predict(ir, [[5, 5]]), fitted.predict_proba([[5, 5]]))


def test_subclasses_of_an_estimator_are_taken() -> None:
    class Mine(DecisionTreeClassifier):
        pass

    assert families.to_ir(Mine(max_depth=2).fit(X, Y)).n_classes == 10


def test_an_estimator_that_is_not_fitted_is_named() -> None:
    with pytest.raises(UnsupportedModel, match="RandomForestClassifier is not fitted"):
        families.to_ir(RandomForestClassifier())


def test_several_outputs_are_named() -> None:
    fitted = DecisionTreeClassifier(max_depth=2).fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(UnsupportedModel, match="2 outputs"):
        families.to_ir(fitted)


def test_missing_values_are_named() -> None:
    holes = X.copy()
    holes[Y == 3] = np.nan
    with pytest.raises(UnsupportedModel, match="missing values"):
        families.to_ir(DecisionTreeClassifier(random_state=0).fit(holes, Y))


def test_other_estimators_are_named() -> None:
    with pytest.raises(UnsupportedModel, match="GaussianProcessClassifier"):
        families.to_ir(GaussianProcessClassifier().fit(X[:50], Y[:50]))


def test_a_class_that_only_has_the_name_is_refused() -> None:
    impostor = type("RandomForestClassifier", (), {})()
    with pytest.raises(UnsupportedModel, match="RandomForestClassifier"):
        families.to_ir(impostor)
