"""Simulated hands: physical, different from person to person, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from midge import simulate
from midge.errors import DatasetError
from midge.simulate.track import Track, minimum_jerk, rotation


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    assert simulate.people(5, 7) == simulate.people(5, 7)
    names = {(p.tempo, p.reach) for seed in range(20) for p in simulate.people(8, seed)}
    assert len(names) == 160
    strangers = {(p.tempo, p.reach) for seed in range(20) for p in simulate.people(6, seed, "stranger")}
    assert not names & strangers


def test_there_is_a_left_hand_in_every_group_of_four() -> None:
    for seed in range(30):
        hands = [person.left_handed for person in simulate.people(4, seed)]
        assert 0 < sum(hands) < 4


def test_a_scene_is_reproducible_and_no_two_performances_are_alike() -> None:
    person = simulate.people(1, 1)[0]
    one, two = simulate.take(person, "circle"), simulate.take(person, "circle")
    assert np.array_equal(one.samples_g, two.samples_g)
    lengths = [played.end_s - played.start_s for played in one.played]
    assert len(set(np.round(lengths, 3))) == len(lengths)


def test_a_resting_hand_feels_one_g() -> None:
    for person in simulate.people(6, 2):
        shown = simulate.other_motion(person, 10.0, kinds=["resting"])
        length = np.linalg.norm(shown.samples_g, axis=1)
        assert abs(float(length.mean()) - 1.0) < 0.12
        assert float(length.std()) < 0.05


def test_acceleration_is_the_second_derivative_of_the_path() -> None:
    """A known path: 0.4 m along y with minimum jerk peaks at 5.7735 d / T² (Flash and Hogan 1985)."""
    person = simulate.people(1, 3)[0]
    track = Track(1000.0, np.random.default_rng(0))
    track.hold(0.5)
    track.move(0.5, (0.0, 0.4, 0.0))
    track.hold(0.5)
    still = {"tilt": (0.0, 0.0, 0.0), "mount": (0.0, 0.0, 0.0), "bias_g": (0.0, 0.0, 0.0)}
    quiet = replace(person, left_handed=False, noise_g=0.0, tremor_g=0.0, **still)
    felt = track.feel(quiet)
    peak_g = 5.7735 * 0.4 / 0.5**2 / 9.80665
    assert float(felt[:, 1].max()) == pytest.approx(peak_g, rel=0.06)
    assert float(felt[:, 1].min()) == pytest.approx(-peak_g, rel=0.06)


def test_a_left_hand_is_the_mirror_image() -> None:
    from dataclasses import replace

    right = replace(
        simulate.people(1, 5)[0],
        left_handed=False,
        mount=(0.0, 0.0, 0.0),
        bias_g=(0.0, 0.0, 0.0),
        noise_g=0.0,
    )
    left = replace(right, left_handed=True)
    a, b = (simulate.take(person, "swipe").samples_g for person in (right, left))
    assert np.allclose(a * [1, -1, 1], b)


def test_minimum_jerk_starts_and_ends_at_rest() -> None:
    share = minimum_jerk(np.linspace(0, 1, 1001))
    assert share[0] == 0.0 and share[-1] == pytest.approx(1.0)
    assert abs(share[1]) < 1e-8 and (np.diff(share) >= 0).all()


def test_rotations_are_rotations() -> None:
    turn = rotation(np.random.default_rng(1).normal(0, 1, (20, 3)))
    assert np.allclose(turn @ np.moveaxis(turn, 1, 2), np.eye(3))
    assert np.allclose(np.linalg.det(turn), 1.0)


@pytest.mark.parametrize("kind", list(simulate.EVERYDAY))
def test_everyday_motion_lasts_as_long_as_asked_and_stays_human(kind: str) -> None:
    for person in simulate.people(3, 6):
        shown = simulate.other_motion(person, 12.0, kinds=[kind])
        assert shown.duration_s == pytest.approx(12.0) and shown.played == ()
        assert np.isfinite(shown.samples_g).all() and np.abs(shown.samples_g).max() < 6.0


def test_a_session_holds_every_gesture_of_every_person_in_order() -> None:
    persons = simulate.people(2, 8)
    shown = simulate.session(persons, 2)
    assert sorted(p.label for p in shown.played) == sorted([*simulate.GESTURES] * 4)
    times = [t for played in shown.played for t in (played.start_s, played.end_s)]
    assert times == sorted(times) and times[-1] < shown.duration_s


@pytest.mark.parametrize("name", ["circle", "chop:7", "other:2", "gestures:3"])
def test_a_scene_is_told_by_a_word(name: str) -> None:
    shown = simulate.by_name(name)
    assert shown.duration_s > 15
    gestures = {played.label for played in shown.played}
    word = name.partition(":")[0]
    assert gestures == {"gestures": set(simulate.GESTURES), "other": set()}.get(word, {word})


@pytest.mark.parametrize("name", ["cirle", "circle:x", ""])
def test_another_word_names_the_known_ones(name: str) -> None:
    with pytest.raises(DatasetError, match=r"circle, .*gestures"):
        simulate.by_name(name)
