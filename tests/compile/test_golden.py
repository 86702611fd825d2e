"""Golden rows: chosen, written, read back, and packed for the board."""

from __future__ import annotations

import binascii
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from midge import families, model_file
from midge.compile import golden, votes
from midge.errors import ModelError
from midge.model_file import Model


def _model(seed: int = 0, n_features: int = 4) -> Model:
    rng = np.random.default_rng(seed)
    X = rng.integers(-100, 100, (300, n_features)).astype(np.int16)
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 20)
    fitted = RandomForestClassifier(4, max_depth=4, random_state=0).fit(X, y)
    return model_file.create(families.to_ir(fitted), X, name="probe", labels=["a", "b", "c"])


def test_rows_are_few_distinct_and_right() -> None:
    model = _model()
    rows = model.golden.features
    assert 100 < len(rows) <= golden.MAX_ROWS
    assert len(np.unique(rows, axis=0)) == len(rows)
    scores, index = votes.predict(votes.lower(model.ir), rows)
    assert np.array_equal(scores, model.golden.scores)
    assert np.array_equal(index, model.golden.index)
    assert set(index.tolist()) == {0, 1, 2}


def test_probes_stand_on_both_sides_of_every_threshold() -> None:
    model = _model()
    forest = votes.lower(model.ir)
    rows = golden.probes(model.ir, model.golden.features, 10_000)
    for number, tree in enumerate(forest.trees):
        reached = votes.leaves(tree, rows)
        assert set(reached.tolist()) == set(range(len(tree.votes))), f"leaves of tree {number}"
        for node in range(len(tree.feature)):
            at = rows[:, tree.feature[node]] - tree.threshold[node].astype(int)
            assert {0, 1} <= set(at.tolist())


def test_a_file_comes_back_and_has_the_same_bytes_again(tmp_path: Path) -> None:
    model = _model()
    golden.write(model.golden, tmp_path / "a.npz")
    again = golden.read(tmp_path / "a.npz")
    for name in ("features", "scores", "index", "windows", "window_scores"):
        assert np.array_equal(getattr(again, name), getattr(model.golden, name))
    golden.write(again, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_garbage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(ModelError, match="not whole"):
        golden.read(path)
    golden.write(_model().golden, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError):
        golden.read(path)


def test_flipped_bits_are_refused_or_change_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    golden.write(_model().golden, path)
    whole = path.read_bytes()
    source = np.random.default_rng(5)
    for _ in range(400):
        broken = bytearray(whole)
        for at in source.integers(0, len(whole), 3):
            broken[at] ^= 1 << int(source.integers(8))
        path.write_bytes(broken)
        try:
            golden.read(path)
        except ModelError as error:
            assert "train the model again" in str(error)


class _Tripwire:
    """Says so if anybody unpickles it."""

    tripped = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return (_trip, ())


def _trip() -> None:
    _Tripwire.tripped = True


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    np.savez(path, features=np.array([_Tripwire()], dtype=object), allow_pickle=True)
    with pytest.raises(ModelError):
        golden.read(path)
    assert not _Tripwire.tripped


def test_missing_and_wrong_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    golden.write(_model().golden, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            if name != "scores.npy":
                archive.writestr(name, content)
    with pytest.raises(ModelError):
        golden.read(path)


def test_the_boards_blob_holds_golden_rows() -> None:
    model = _model(n_features=40)
    blob = golden.test_blob(model.golden, model.n_features, model.n_scores)
    assert len(blob) <= golden.TEST_LIMIT_BYTES
    magic, n_features, n_scores, n_rows, n_windows, _, _ = struct.unpack_from("<4s6H", blob)
    assert (magic, n_features, n_scores, n_windows) == (b"MGT1", 40, 3, 0)
    assert n_rows == (2048 - 16 - 4) // (2 * (40 + 3 + 1))
    assert struct.unpack("<I", blob[-4:])[0] == binascii.crc32(blob[:-4])
    row = np.frombuffer(blob, "<i2", 44, 16)
    assert row[:40].tolist() == model.golden.features[0].tolist()
    assert row[40:43].tolist() == model.golden.scores[0].tolist()
    assert row[43] == model.golden.index[0]
    assert len(blob) == 16 + n_rows * 88 + 4
