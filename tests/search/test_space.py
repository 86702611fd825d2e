"""What may be tried: different candidates, and neighbours in one step."""

from __future__ import annotations

from midge.search import space
from midge.search.space import Candidate


def test_candidates_differ_and_begin_with_the_usual() -> None:
    there = space.sample(("forest", "linear", "gaussian"), 40, 20, 1)
    assert len({one.name for one in there}) == len(there) == 20
    assert [one.family for one in there[:3]] == ["forest", "linear", "gaussian"]
    assert there == space.sample(("forest", "linear", "gaussian"), 40, 20, 1)


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
