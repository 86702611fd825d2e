"""model.json: written, read back, and refused when it is not whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from midge import families, features, model_file
from midge.errors import CompileError, ModelError, ParityError
from midge.model_file import Decision, FrontEnd, Model, Sensor

NAMES = tuple(
    f"{channel}.{statistic}"
    for channel in "xyzm"
    for statistic in ("mean", "std", "min", "max", "range", "rms", "mc", "jerk")
)


def _model() -> Model:
    rng = np.random.default_rng(0)
    loud = rng.integers(1, 4000, (80, 1, 1))
    windows = (rng.standard_normal((80, 32, 3)) * loud).astype(np.int16)
    X = features.extract(NAMES, windows)
    fitted = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, loud.ravel() > 2000)
    return model_file.create(
        families.to_ir(fitted),
        X,
        name="probe",
        labels=["quiet", "loud"],
        background="quiet",
        frontend=FrontEnd("motion", ("x", "y", "z"), 32, 8, NAMES, tuple(features.scales(NAMES, 8192))),
        sensor=Sensor(100, 4),
        decision=Decision(0.6, 2, 1000),
        windows=windows,
        provenance={"seed": 0},
        expected=fitted.predict_proba(X),
    )


def test_a_model_comes_back_whole(tmp_path: Path) -> None:
    model = _model()
    loaded = model_file.load(model_file.save(model, tmp_path))
    assert loaded.to_json() == model.to_json()
    assert loaded.digest == model.digest
    assert np.array_equal(loaded.golden.windows, model.golden.windows)
    assert model_file.load(tmp_path).digest == model.digest


def test_the_same_training_gives_the_same_bytes(tmp_path: Path) -> None:
    a, b = model_file.save(_model(), tmp_path / "a"), model_file.save(_model(), tmp_path / "b")
    assert a.read_bytes() == b.read_bytes()
    assert a.with_name("golden.npz").read_bytes() == b.with_name("golden.npz").read_bytes()


def test_features_that_are_never_read_are_dropped() -> None:
    model = _model()
    assert model.frontend is not None
    assert len(model.frontend.features) == model.n_features < len(NAMES)
    assert model.ir.used_features() == list(range(model.n_features))
    again = features.extract(model.frontend.features, model.golden.windows)
    assert np.array_equal(again, model.golden.window_features)


def test_the_digest_is_of_the_content_not_of_the_layout(tmp_path: Path) -> None:
    path = model_file.save(_model(), tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=True))
    assert model_file.load(path).digest == _model().digest


def test_another_estimator_than_the_reference_is_noticed() -> None:
    model = _model()
    wrong = np.full((len(model.golden.features), 2), 0.5)
    with pytest.raises(ParityError, match="differs from the estimator"):
        model_file.check_reference(model.ir, model.golden.features, wrong)


def test_labels_must_fit_the_scores() -> None:
    model = _model()
    with pytest.raises(CompileError, match="3 labels for 2 scores"):
        model_file.create(model.ir, model.golden.features, name="probe", labels=["a", "b", "c"])


def _damaged(path: Path, keys: list[Any], value: Any) -> None:
    data = json.loads(path.read_text())
    part = data
    for key in keys[:-1]:
        part = part[key]
    if value is ...:
        del part[keys[-1]]
    else:
        part[keys[-1]] = value
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["schema"], 99),
        (["schema"], ...),
        (["name"], 3),
        (["labels"], ["one"]),
        (["labels"], [1, 2]),
        (["score_scale"], 1),
        (["ir"], None),
        (["ir", "trees", 0, "feature", 0], 9999),
        (["epsilon"], "small"),
        (["frontend", "kind"], "smell"),
        (["frontend", "features", 0], "x.maen"),
        (["frontend", "features"], ["x.mean"]),
        (["frontend", "window"], 0),
        (["frontend", "hop"], True),
        (["frontend", "feature_scales"], [1.0]),
        (["sensor", "range_g"], 0),
        (["decision", "threshold"], 7),
        (["decision", "smooth"], 0.5),
        (["quantisation", "kind"], "log"),
        (["quantisation", "scale"], [1e999]),
    ],
)
def test_damage_is_named(tmp_path: Path, keys: list[Any], value: Any) -> None:
    path = model_file.save(_model(), tmp_path)
    _damaged(path, keys, value)
    with pytest.raises(ModelError, match=r"model\.json") as refused:
        model_file.load(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00", '{"schema": 1}'])
def test_what_is_no_model_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ModelError):
        model_file.load(path)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="midge train"):
        model_file.load(tmp_path)


def test_golden_rows_of_another_model_are_refused(tmp_path: Path) -> None:
    path = model_file.save(_model(), tmp_path)
    rng = np.random.default_rng(1)
    X = rng.integers(-9, 9, (50, 3)).astype(np.int16)
    other = model_file.create(
        families.to_ir(RandomForestClassifier(2, random_state=0).fit(X, X[:, 0] > 0)),
        X,
        name="o",
        labels=["a", "b"],
    )
    model_file.save(other, tmp_path / "other")
    (tmp_path / "other" / "golden.npz").replace(tmp_path / "golden.npz")
    with pytest.raises(ModelError, match="another model"):
        model_file.load(path)
