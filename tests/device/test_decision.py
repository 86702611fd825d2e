"""The decision: one gesture, one event; the rest silence."""

from array import array
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midge_device.decision import NO_EVENT, Decision, from_info

CIRCLE, SWIPE, OTHER = range(3)


def events(decision, rows):
    return [decision.update(array("h", row)) for row in rows]


def one(label, score=30000):
    row = [1000, 1000, 1000]
    row[label] = score
    return row


def plain(**changes):
    settings = {"n_labels": 3, "background": OTHER, "threshold": 20000, **changes}
    return Decision(**settings)


def test_one_gesture_seen_by_many_windows_is_one_event():
    seen = events(plain(overlap_windows=4), [one(OTHER)] * 3 + [one(CIRCLE)] * 9 + [one(OTHER)] * 3)
    assert seen == [NO_EVENT] * 3 + [CIRCLE] + [NO_EVENT] * 11


def test_the_background_is_never_an_event():
    assert set(events(plain(), [one(OTHER, 32767)] * 20)) == {NO_EVENT}


def test_without_a_background_every_label_counts():
    assert events(plain(background=-1), [one(OTHER)] * 2) == [OTHER, NO_EVENT]


def test_threshold_is_inclusive():
    assert events(plain(), [one(CIRCLE, 19999), one(CIRCLE, 20000)]) == [NO_EVENT, CIRCLE]


def test_the_smoothed_score_counts_not_the_single_one():
    decision = plain(smooth=2, threshold=20000)
    assert events(decision, [one(OTHER), one(CIRCLE, 32000), one(OTHER)]) == [NO_EVENT] * 3
    assert events(decision, [one(CIRCLE, 25000), one(CIRCLE, 25000)]) == [NO_EVENT, CIRCLE]
    assert (decision.winner, decision.score) == (CIRCLE, 25000)


def test_nothing_is_decided_before_enough_windows():
    assert events(plain(smooth=3), [one(CIRCLE)] * 4) == [NO_EVENT, NO_EVENT, CIRCLE, NO_EVENT]


def test_the_same_gesture_again_needs_quiet_and_cooldown():
    rows = [one(CIRCLE), one(OTHER), one(CIRCLE), one(OTHER), one(CIRCLE)]
    assert events(plain(), rows) == [CIRCLE, NO_EVENT, CIRCLE, NO_EVENT, CIRCLE]
    assert events(plain(cooldown_windows=3), rows) == [CIRCLE, NO_EVENT, NO_EVENT, NO_EVENT, CIRCLE]


def test_the_tail_of_a_gesture_that_looks_like_another_is_no_event():
    rows = [one(CIRCLE)] * 2 + [one(SWIPE)] * 2 + [one(OTHER)]
    assert events(plain(overlap_windows=4), rows) == [CIRCLE] + [NO_EVENT] * 4


def test_another_gesture_without_a_pause_is_heard_once_it_stands_alone():
    rows = [one(CIRCLE)] * 2 + [one(SWIPE)] * 5
    assert events(plain(overlap_windows=4), rows) == [CIRCLE, -1, -1, -1, SWIPE, -1, -1]


def test_ties_go_to_the_lowest_label():
    decision = plain(background=-1)
    assert decision.update(array("h", [25000, 25000, 25000])) == CIRCLE


def test_reset_forgets():
    decision = plain(smooth=2, cooldown_windows=100)
    assert events(decision, [one(CIRCLE)] * 2) == [NO_EVENT, CIRCLE]
    decision.reset()
    assert events(decision, [one(SWIPE)] * 2) == [NO_EVENT, SWIPE]


@given(
    st.integers(1, 6),
    st.lists(st.lists(st.integers(-32768, 32767), min_size=3, max_size=3), min_size=1, max_size=60),
)
def test_smoothing_is_the_mean_of_the_last_windows(smooth, rows):
    decision = plain(background=-1, smooth=smooth)
    for n, row in enumerate(rows, 1):
        decision.update(array("h", row))
        if n >= smooth:
            sums = np.sum(rows[n - smooth : n], axis=0)
            assert decision.winner == int(np.argmax(sums))
            assert decision.score == int(sums.max()) // smooth


@given(st.integers(0, 5), st.integers(1, 5), st.lists(st.sampled_from([CIRCLE, SWIPE, OTHER]), max_size=80))
def test_events_keep_their_distance_and_never_repeat_without_quiet(cooldown, overlap, labels):
    seen = events(plain(cooldown_windows=cooldown, overlap_windows=overlap), [one(label) for label in labels])
    at = [i for i, event in enumerate(seen) if event != NO_EVENT]
    for first, second in pairwise(at):
        assert second - first >= max(1, cooldown)
        quiet = OTHER in labels[first + 1 : second]
        assert quiet or (seen[first] != seen[second] and second - first >= overlap)


def test_from_info_counts_in_windows():
    info = {
        "labels": ["circle", "swipe", "other"],
        "background": "other",
        "rate_hz": 100,
        "window": 128,
        "hop": 32,
        "score_scale": 32767,
        "threshold": 0.6,
        "smooth": 1,
        "cooldown_ms": 1000,
    }
    rows = [one(CIRCLE, 19660), one(OTHER), one(CIRCLE), one(CIRCLE), one(CIRCLE), one(CIRCLE)]
    # 0.6 of 32767 is 19660; 1000 ms are 3.125 hops of 320 ms, so four windows
    assert events(from_info(info), rows) == [CIRCLE, -1, -1, -1, CIRCLE, -1]
    info["background"] = None
    assert events(from_info(info), [one(OTHER)]) == [OTHER]


@pytest.mark.parametrize(
    "wrong", [{"background": 3}, {"smooth": 0}, {"threshold": 40000}, {"n_labels": 0, "background": -1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="decision"):
        plain(**wrong)


def test_beside_a_background_silence_is_no_event():
    info = {"labels": ["_silence_", "_unknown_", "yes"], "background": "_unknown_", "threshold": 0.5}
    info |= {"score_scale": 100, "hop": 10, "window": 10, "rate_hz": 100}
    heard = [[90, 5, 5], [5, 90, 5], [5, 5, 90]]
    decision = from_info(info)
    assert [decision.update(array("h", row)) for row in heard] == [NO_EVENT, NO_EVENT, 2]
    # Without one, whoever gave a label such a name means it.
    decision = from_info({**info, "background": None})
    assert decision.update(array("h", heard[0])) == 0
