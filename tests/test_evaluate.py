"""Evaluation: events against performances by hand-made cases; the C against the reference interpreter."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from midge import assets, cli, evaluate, model_file, new, reference_model, segmenting, simulate, storing
from midge.compile import reference
from midge.dataset import Dataset
from midge.errors import DatasetError, ModelError
from midge.evaluate import Event, Performance
from midge.model_file import Model
from midge.recipe import Recipe

RECIPE = Recipe.load("gesture")


@pytest.fixture(scope="module")
def model() -> Model:
    """The reference model that midge ships."""
    return model_file.load(assets.models_folder() / "gesture")


PLAYED = [Performance("circle", 1.0, 2.0), Performance("chop", 5.0, 6.0)]


@pytest.mark.parametrize(
    ("events", "expected", "heard"),
    [
        ([("circle", 1.5), ("chop", 6.9)], (2, 2, 0, 0, 0), ["circle", "chop"]),
        ([("circle", 3.1), ("chop", 5.5)], (2, 1, 0, 1, 1), [None, "chop"]),
        ([("chop", 1.5), ("circle", 1.8)], (2, 0, 1, 1, 1), ["chop", None]),
        ([("circle", 1.5), ("circle", 2.9)], (2, 1, 0, 1, 1), ["circle", None]),
        ([("circle", 0.9)], (2, 0, 0, 2, 1), [None, None]),
        ([], (2, 0, 0, 2, 0), [None, None]),
    ],
)
def test_events_are_set_against_performances(
    events: list[tuple[str, float]], expected: tuple[int, ...], heard: list[str | None]
) -> None:
    tally, found = evaluate.match([Event(label, at_s, 1.0) for label, at_s in events], PLAYED)
    assert tuple(asdict(tally).values()) == expected and found == heard


def test_events_in_other_motion_are_all_false() -> None:
    tally, _ = evaluate.match([Event("chop", 3.0, 0.8), Event("chop", 9.0, 0.8)], [])
    assert asdict(tally) == {"played": 0, "recognised": 0, "confused": 0, "missed": 0, "false_events": 2}


def test_what_is_missed_for_following_too_soon_is_counted() -> None:
    played = [Performance("chop", 1.0, 2.0), Performance("chop", 3.0, 4.0), Performance("chop", 9.0, 10.0)]
    assert evaluate.crowded(played, ["chop", None, None], 1.5) == 1
    assert evaluate.crowded(played, ["chop", "chop", None], 1.5) == 0
    assert evaluate.crowded(played, [None, None, None], 6.0) == 2


def test_the_shipped_model_recognises_strangers(model: Model) -> None:
    people = simulate.people(3, 99, "somebody")
    tally = reference_model.trial(RECIPE, model, people, times=2, other_s=30.0)
    assert tally.played == 24 and tally.recognised >= 23 and tally.false_events == 0


def test_evaluate_agrees_with_the_reference_interpreter(model: Model) -> None:
    data = reference_model.training_data(RECIPE, 2, 77, times=2, other_s=20.0)
    done = evaluate.evaluate(RECIPE, model, data)
    assert done.agree_c_reference == done.n > 300
    library = evaluate.compiled(model)
    X = library.stream(data.recordings[0].samples)
    _, winners = library.classify(X)
    assert np.array_equal(winners, reference.winners(reference.predict(model.ir, X)))
    assert np.sum(done.confusion) == sum(group["n"] for group in done.per_group.values())
    assert done.accuracy > 0.9 and set(done.per_group) == set(data.groups)
    assert done.events is not None
    assert done.events["played"] == 16 and done.events["recognised"] >= 15
    assert done.events["background_hours"] == pytest.approx(2 * 20 / 3600, rel=0.01)


def test_a_take_that_was_cut_is_heard_between_rests(model: Model) -> None:
    """It is shorter than the window, so without rest around it no window would ever see it."""
    data = reference_model.training_data(RECIPE, 2, 77, times=1, other_s=20.0)
    cut = []
    for item in data.recordings:
        found = segmenting.performances(item.samples, item.rate_hz, item.scale)
        start, stop = found[0] if item.label != RECIPE.background else (0, len(item.samples))
        cut.append(replace(item, samples=item.samples[start:stop], gaps=()))
    done = evaluate.evaluate(RECIPE, model, Dataset(data.folder, tuple(cut)), unit="take")
    assert sum(len(item.samples) < RECIPE.window.length for item in cut) >= 6
    assert done.events is not None
    assert done.events["played"] == 8 and done.events["recognised"] >= 7


def test_activities_have_an_answer_after_their_beginning_and_no_delay_after_their_end(model: Model) -> None:
    recipe = replace(RECIPE, train=replace(RECIPE.train, windows="all"))
    data = reference_model.training_data(RECIPE, 2, 77, times=6, other_s=20.0)
    done = evaluate.evaluate(recipe, model, data)
    assert done.events is not None and done.events["delay_s"] is None
    assert done.events["played"] == len([item for item in data.recordings if item.label != RECIPE.background])
    shortest_s = min(item.duration_s for item in data.recordings)
    assert RECIPE.window.length / RECIPE.sensor.rate_hz <= done.events["answer_s"] < shortest_s


def test_pictures_land_beside_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = reference_model.training_data(RECIPE, 1, 77, times=1, other_s=10.0)
    for number, item in enumerate(data.recordings):
        storing.write(tmp_path, f"take_{number}", item, item.samples, item.gaps)
    app = new.new("mine", "gesture", tmp_path)
    model_file.save(model_file.load(assets.models_folder() / "gesture"), app / "build")
    assert (
        cli.main(["evaluate", str(app), "--data", str(tmp_path), "--robustness", "--stream", "--json"]) == 0
    )
    said = json.loads(capsys.readouterr().out)
    assert {"accuracy", "macro_f1", "per_class", "per_group", "agree_c_reference", "n"} <= set(said)
    for what in ("robustness", "stream"):
        assert said[what]["picture"] == str(app / "build" / f"{what}.png")
        assert Path(said[what]["picture"]).read_bytes().startswith(b"\x89PNG")


def test_a_label_that_the_model_has_not_learnt_counts_as_background(model: Model) -> None:
    person = simulate.people(1, 77)[0]
    data = Dataset(
        Path("x"),
        (
            simulate.recorded(simulate.other_motion(person, 12.0), RECIPE, "other", person.name),
            simulate.recorded(simulate.other_motion(person, 12.0), RECIPE, "typing", person.name),
        ),
    )
    done = evaluate.evaluate(RECIPE, model, data)
    assert done.warnings == [
        "1 recording of typing, which the model has not learnt: taken for other, which is right then"
    ]
    other = RECIPE.labels.index("other")
    assert sum(done.confusion[other]) == done.examples > 0 and done.events is not None
    assert done.events["background_hours"] == pytest.approx(24 / 3600, rel=0.01)


def test_without_a_background_a_label_that_is_strange_is_left_out() -> None:
    person = simulate.people(1, 77)[0]
    bare = replace(RECIPE, background=None)
    known, strange = (
        simulate.recorded(simulate.other_motion(person, 12.0), RECIPE, label, "")
        for label in ("chop", "typing")
    )
    there, told = evaluate.judgeable(bare, Dataset(Path("x"), (known, strange)))
    assert there.recordings == (known,) and "left out" in told[0]
    assert evaluate.judgeable(bare, there) == (there, [])
    with pytest.raises(DatasetError, match=r"typing only.*knows circle"):
        evaluate.judgeable(bare, Dataset(Path("x"), (strange,)))


def test_a_model_of_another_recipe_is_refused(model: Model) -> None:
    other = replace(RECIPE, window=replace(RECIPE.window, hop=32))
    with pytest.raises(ModelError, match="train again"):
        evaluate.evaluate(other, model, Dataset(Path(), ()))


@pytest.mark.check
def test_any_people_are_recognised_after_training_on_any_others(tmp_path: Path) -> None:
    """The demo's promise without the board: 90 % recognised, at most one false event in 5 minutes."""
    from midge import demo, train

    for seed in range(100, 120):
        data = reference_model.training_data(
            RECIPE, demo.TRAINING_PEOPLE, seed, times=demo.TIMES_A_TAKE, other_s=demo.OTHER_MOTION_S
        )
        trained = train.train(RECIPE, data, into=tmp_path / str(seed))
        people = simulate.people(demo.TEST_PEOPLE, seed, "stranger")
        tally = reference_model.trial(
            RECIPE, trained.model, people, times=demo.TIMES_EACH, other_s=demo.TEST_OTHER_MOTION_S
        )
        assert tally.recognised >= 0.9 * tally.played and tally.false_events <= 1, (seed, tally)


@pytest.mark.check
def test_the_shipped_model_is_made_by_its_command(model: Model, tmp_path: Path) -> None:
    made = reference_model.make(RECIPE, tmp_path)
    folder = assets.models_folder() / "gesture"
    assert made.model.digest == model.digest
    for name in ("model.json", "golden.npz", "card.md"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
