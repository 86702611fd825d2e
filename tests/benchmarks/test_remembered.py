"""What is read back is what was counted; and only for the same program, target and rows."""

import image
import numpy as np
import pytest
import remembered
from program import Program, as_type

from midge import targets

TEXT = """int peer_predict(short *x)
{
    int sum = 0;
    for (volatile int i = 0; i < x[0]; i++)
        sum += %d;
    x[1] = (short)sum;
    return sum;
}
"""
M0, M4 = targets.get("armv6m"), targets.get("armv7emsp")


@pytest.fixture(scope="module")
def images():
    def program(step):
        return Program({"main.c": TEXT % step}, as_type("int16"), "a test")

    return {
        (step, target.name): image.build(program(step), target, "-Os")
        for step, target in ((1, M0), (2, M0), (1, M4))
    }


def rows(*values):
    return np.array(values, np.int16)


def test_the_second_time_it_is_read_back_bit_for_bit(images, tmp_path):
    first, was_there = remembered.run(images[1, "armv6m"], M0, rows([3, 0], [9, 0]), folder=tmp_path)
    again, is_there = remembered.run(images[1, "armv6m"], M0, rows([3, 0], [9, 0]), folder=tmp_path)
    assert (was_there, is_there) == (False, True)
    assert again.answers.tolist() == first.answers.tolist() == [3, 9]
    assert again.instructions == first.instructions > 10
    assert again.memory == first.memory
    assert np.frombuffer(again.memory[1], np.int16).tolist() == [9, 9]


@pytest.mark.parametrize(
    ("step", "target", "values"),
    [(2, M0, ([3, 0], [9, 0])), (1, M4, ([3, 0], [9, 0])), (1, M0, ([3, 0], [8, 0])), (1, M0, ([3, 0],))],
    ids=["program", "target", "a row", "number of rows"],
)
def test_another_one_is_counted(images, tmp_path, step, target, values):
    remembered.run(images[1, "armv6m"], M0, rows([3, 0], [9, 0]), folder=tmp_path)
    ran, is_read_back = remembered.run(images[step, target.name], target, rows(*values), folder=tmp_path)
    assert not is_read_back
    assert ran.answers.tolist() == [step * row[0] for row in values]


def test_a_run_that_was_stopped_leaves_nothing_to_read_back(images, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", stopped)
        with pytest.raises(KeyboardInterrupt):
            remembered.run(images[1, "armv6m"], M0, rows([3, 0]), folder=tmp_path)
    _, is_read_back = remembered.run(images[1, "armv6m"], M0, rows([3, 0]), folder=tmp_path)
    assert not is_read_back
