"""Blocks → operations, by name or as given; a course in time told by the names of features."""

from __future__ import annotations

import pytest

from midge import courses, feature_sets
from midge.compile.conv_layers import Window
from midge.errors import CompileError
from midge.nets.blocks import DS_CNN, Block, chosen, operations, widened


def test_the_named_net_is_that_of_the_paper() -> None:
    found = operations(chosen("ds-cnn"), (49, 10, 1), 12)
    assert [one.kind for one in found] == ["conv", *["depthwise", "conv"] * 4, "average", "dense"]
    assert found[0].window == Window((10, 4), (2, 2), same=True)
    assert found[-2].window == Window((25, 5))
    assert {one.channels for one in found[:-1]} == {64}


def test_a_residual_block_adds_its_input() -> None:
    found = operations([Block("conv", 8), Block("residual", 8)], (20, 1, 3), 2)
    assert [one.kind for one in found] == ["conv", "depthwise", "conv", "add", "average", "dense"]
    assert found[3].sources == (3, 1)
    assert [one.relu for one in found] == [True, True, False, True, False, False]
    # One column: kernels and strides are of time alone.
    assert found[0].window.kernel == (3, 1)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ("larger", "no net"),
        ([Block("dense", 3)], "no Block"),
        ([Block("conv")], "no channels"),
        ([Block("conv", 8), Block("residual", 16)], "can't be added"),
    ],
)
def test_what_can_not_be_is_refused(blocks: object, words: str) -> None:
    with pytest.raises(CompileError, match=words):
        operations(chosen(blocks), (20, 5, 1), 2)  # type: ignore[arg-type]


def test_a_wider_net_keeps_its_form() -> None:
    wide = widened(DS_CNN, 0.5)
    assert [block.channels for block in wide] == [32] * 5
    assert [block.kernel for block in wide] == [block.kernel for block in DS_CNN]


def test_names_tell_whether_features_are_a_course() -> None:
    motion = feature_sets.names("motion-course", ("x", "y", "z"), 100.0, 128)
    assert len(motion) == 192
    assert courses.times_of(motion) == 64
    sound = feature_sets.names("sound-frames", ("sound",), 16000.0, 16000)
    times = courses.times_of(sound)
    assert times is not None and len(sound) == times * 32
    assert courses.times_of(feature_sets.names("motion-gesture")) is None
    assert courses.times_of([*motion[1:], motion[0]]) is None
    assert courses.times_of(motion[:-1]) is None
