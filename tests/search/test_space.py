"""What may be tried: different candidates, and neighbours in one step."""

from __future__ import annotations

import pytest

from midge.search import space
from midge.search.space import Candidate


def test_candidates_differ_and_begin_with_the_usual() -> None:
    there = space.sample(("forest", "linear", "gaussian"), 40, 20, 1)
    assert len({one.name for one in there}) == len(there) == 20
    assert [one.family for one in there[:3]] == ["forest", "linear", "gaussian"]
    assert there == space.sample(("forest", "linear", "gaussian"), 40, 20, 1)


@pytest.mark.parametrize("family", space.VALUES)
def test_what_is_made_smaller_keeps_to_the_strengths_there_are(family: str) -> None:
    here = Candidate(family, space.learners.LEARNERS[family].defaults(), "code")
    made = space.compressed(here, 1.5)
    if family in ("linear", "gaussian"):
        assert made is None
        return
    assert made is not None and made.left == 0.6 and made.fit_name != here.fit_name
    assert space.TECHNIQUES[family] in made.title and space.compressed(made, 1.5) is None
    assert space.compressed(here, 1000) is None and space.compressed(here, float("inf")) is None
    # What is around it is as small.
    assert {one.left for one in space.neighbours(made, 40)} == {0.6}


def test_neighbours_differ_in_one_thing() -> None:
    here = Candidate("boosting", {**space.learners.LEARNERS["boosting"].defaults(), "features": 0}, "code")
    around = space.neighbours(here, 40)
    assert len({one.name for one in around}) == len(around)
    for one in around:
        changed = [key for key in here.params if one.params[key] != here.params[key]]
        assert len(changed) + (one.layout != here.layout) == 1
    values = {
        (key, one.params[key]) for one in around for key in here.params if one.params[key] != here.params[key]
    }
    # One step each way of what is tried; of 40 features, all are above 32.
    assert values == {
        *(("rounds", 40), ("rounds", 80), ("depth", 2), ("depth", 4), ("rate", 0.1), ("rate", 0.2)),
        ("features", 32),
    }
