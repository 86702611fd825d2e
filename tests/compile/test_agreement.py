"""Agreement figures: what differs is counted, what may differ is counted apart."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from midge import build, families, model_file
from midge.compile import agreement, c99
from midge.compile.host import HostModel

RNG = np.random.default_rng(0)
X = RNG.integers(-100, 100, (200, 3)).astype(np.int16)
FITTED = RandomForestClassifier(4, max_depth=4, random_state=0).fit(X, (X[:, 0] > 0) + 1 * (X[:, 1] > 20))
MODEL = model_file.create(families.to_ir(FITTED), X, name="probe", labels=["a", "b", "c"])


def test_all_three_links_hold() -> None:
    compiled = HostModel(MODEL, c99.sources(MODEL))
    scores = FITTED.predict_proba(X)
    links = [
        agreement.estimator_reference(MODEL, X, scores, np.argmax(scores, axis=1)),
        agreement.reference_c(MODEL, compiled, X),
        agreement.c_board(MODEL, compiled, build.build(MODEL, "armv6m").emulator(), X[:40]),
    ]
    assert agreement.all_hold(links)
    assert [link.rows for link in links] == [200, 200, 40]
    assert links[0].score_error == links[2].score_error == 0
    assert 0 < links[1].score_error < 1e-3


def test_a_wrong_estimator_is_counted() -> None:
    scores = FITTED.predict_proba(X)
    other = np.argmax(scores, axis=1)
    clear = np.flatnonzero(np.sort(scores, axis=1)[:, -1] > 0.9)[:5]
    other[clear] = (other[clear] + 1) % 3
    link = agreement.estimator_reference(MODEL, X, scores, other)
    assert (link.differ, link.holds) == (5, False)
    assert "195 of 200" in str(link)


def test_one_wrong_bit_on_the_board_is_counted() -> None:
    emulator = build.build(MODEL, "armv6m").emulator()
    scores, winners = HostModel(MODEL, c99.sources(MODEL)).classify(X[:20])
    scores[7, 1] ^= 1
    link = agreement.board_rows(emulator, X[:20], scores, winners)
    assert (link.differ, link.holds) == (1, False)
