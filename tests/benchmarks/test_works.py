"""The works are those of the cost table: sizes that the figures were taken with."""

import numpy as np
import pytest
from works import WORKS, cancer, digits, gesture


def test_data_are_the_published_ones():
    assert (len(digits().X_test), digits().X_test.shape[1], digits().X_train.max()) == (540, 64, 16)
    assert cancer().X_test.shape == (171, 30)
    assert gesture().X_test.shape == (900, 24)
    assert gesture().X_train.dtype == np.int16


@pytest.mark.parametrize(
    ("name", "layers"), [("mlp-64-32-10", [64, 32, 10]), ("mlp-24-16-16-6", [24, 16, 16, 6])]
)
def test_nets_have_the_shape_that_they_are_named_for(name, layers):
    work = WORKS[name]
    hidden = work.estimator().hidden_layer_sizes
    split = work.data()
    assert [split.X_train.shape[1], *hidden, len(np.unique(split.y_train))] == layers


def test_forest_is_of_the_published_size():
    estimator, _ = WORKS["forest-10x8"].fit()
    assert len(estimator.estimators_) == 10
    assert max(tree.get_depth() for tree in estimator.estimators_) == 8


def test_svc_has_the_support_vectors_of_the_published_figure():
    estimator, split = WORKS["svc-rbf"].fit()
    assert len(estimator.support_vectors_) == 301
    assert estimator.gamma == pytest.approx(1 / (64 * split.X_train.var()))
