"""No row gets another answer than scikit-learn's, near ties apart; and boards say what the C says."""

import warnings

import pytest
import wrong

# A family of each kind, on what is soon compiled; every pair in `make check`.
SOON = [("iris", "forest"), ("iris", "svc rbf"), ("1 feature", "boosting"), ("whole thresholds", "tree")]


def judge(data: str, family: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = wrong.pair(data, family, "armv7emsp", 20)
    assert "refused" not in row, row
    assert row["board"] == 0 and row["emulated"] >= 20
    for which in ("training", "test"):
        assert row[which]["wrong"] == row[which]["within_epsilon"], row
    # Support vectors of a detector lie on its border itself.
    assert family == "one class" or row["worst"] < 0.05


@pytest.mark.parametrize(("data", "family"), SOON)
def test_no_answer_is_wrong(data: str, family: str) -> None:
    judge(data, family)


@pytest.mark.check
@pytest.mark.parametrize("family", wrong.FAMILIES)
@pytest.mark.parametrize("data", wrong.DATA)
def test_no_answer_of_any_family_is_wrong(data: str, family: str) -> None:
    judge(data, family)


def test_an_answer_that_is_wrong_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from midge import compiled

    # Another model than the one that is asked: it takes the first class for the last.
    usual = compiled.compile_estimator

    def turned(estimator: object, X: object) -> object:
        return usual(wrong.FAMILIES["tree"]().fit(X, 2 - estimator.predict(X)), X)

    monkeypatch.setattr(wrong.midge, "compile", turned)
    row = wrong.pair("iris", "tree", "armv7emsp", 5)
    assert row["training"]["wrong"] > 20 and row["training"]["within_epsilon"] == 0 and row["worst"] > 0.5
