"""Programs of known length: what they answer, what they execute, what stops them."""

import image
import measure
import numpy as np
import pytest
from program import Program, as_type

from midge import targets
from midge.compile.emulate_cpu import HOOK_CODE
from midge.errors import CompileError, ModelError

TARGETS = [targets.get(name) for name in ("armv6m", "armv7emsp", "rv32imc")]
LOOP = """#include <stdint.h>
int32_t peer_predict(const int16_t *features)
{
    int32_t sum = 0;
    for (int i = 0; i < features[0]; i++) {
        __asm__ volatile("" : "+r"(sum));
        sum += features[1];
    }
    return sum;
}
"""


def program(text, **options):
    return Program({"main.c": text}, as_type("int16"), "a test", **options)


def rows(*values):
    return np.array(values, np.int16)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_instructions_of_a_loop_grow_by_the_same_step(target):
    built = image.build(program(LOOP), target, "-Os")
    few, more, most = (measure.run(built, target, rows([n, -3])) for n in (10, 110, 210))
    assert most.instructions - more.instructions == more.instructions - few.instructions
    assert (more.instructions - few.instructions) % 100 == 0
    assert few.answers.tolist() == [-30]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_counted_by_blocks_is_what_is_counted_one_by_one(target):
    machine = measure.Machine(image.build(program(LOOP), target, "-Os"), target)
    seen = []
    machine.cpu.uc.hook_add(HOOK_CODE, lambda uc, address, size, data: seen.append(address))
    machine.start_counting()
    machine.call(machine.image.symbols["peer_predict"], rows([20, 1]).tobytes())
    assert machine.instructions() == len(seen) > 40


def test_instructions_are_the_mean_over_the_rows():
    built = image.build(program(LOOP), TARGETS[0], "-Os")
    single = [measure.run(built, TARGETS[0], rows([n, 1])).instructions for n in (5, 50)]
    both = measure.run(built, TARGETS[0], rows([5, 1], [50, 1]))
    assert both.instructions == sum(single) / 2
    assert both.answers.tolist() == [5, 50]


def test_an_empty_function_costs_two_instructions():
    built = image.build(program("int peer_predict(const short *x) { return 1; }"), TARGETS[0], "-Os")
    ran = measure.run(built, TARGETS[0], rows([0]))
    assert (ran.instructions, ran.answers.tolist(), built.flash_bytes, built.ram_bytes) == (2, [1], 4, 0)


def test_flash_counts_the_libraries():
    whole = image.build(
        program("int peer_predict(const short *x) { return x[0] * x[1]; }"), TARGETS[0], "-Os"
    )
    floats = "int peer_predict(const short *x) { return (int)((double)x[0] * 0.1); }"
    double = image.build(program(floats), TARGETS[0], "-Os")
    assert double.flash_bytes > whole.flash_bytes + 300


def test_prepare_runs_once_and_is_not_counted():
    text = """static int calls;
    void peer_prepare(void) { for (volatile int i = 0; i < 1000; i++); calls++; }
    int peer_predict(const short *x) { return calls; }"""
    built = image.build(program(text, has_prepare=True), TARGETS[0], "-Os")
    ran = measure.run(built, TARGETS[0], rows([0], [0], [0]))
    assert ran.answers.tolist() == [1, 1, 1]
    assert ran.instructions < 10


def test_results_in_place_come_back():
    text = "int peer_predict(short *x) { x[1] = x[0] + 1; return 0; }"
    ran = measure.run(image.build(program(text), TARGETS[1], "-Os"), TARGETS[1], rows([7, 0]))
    assert np.frombuffer(ran.memory[0], np.int16).tolist() == [7, 8]


def test_what_never_returns_is_stopped(monkeypatch):
    monkeypatch.setattr(measure, "RUNAWAY_BLOCKS", 10_000)
    text = 'int peer_predict(const short *x) { for (;;) __asm__ volatile(""); }'
    built = image.build(program(text), TARGETS[0], "-Os")
    with pytest.raises(ModelError, match="does not return"):
        measure.run(built, TARGETS[0], rows([0]))


def test_a_crash_is_reported():
    text = "int peer_predict(const short *x) { return *(volatile int *)0x40000000; }"
    with pytest.raises(ModelError, match="crashed"):
        measure.run(image.build(program(text), TARGETS[0], "-Os"), TARGETS[0], rows([0]))


def test_wrong_c_is_refused_with_the_compilers_words():
    with pytest.raises(CompileError, match="undeclared"):
        image.build(program("int peer_predict(const short *x) { return y; }"), TARGETS[0], "-Os")


def test_fractions_are_no_int16_features():
    with pytest.raises(ValueError, match="whole numbers"):
        as_type("int16")(np.array([[0.5]]))
