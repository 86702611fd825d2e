"""Recordings from peripherals that know nothing of midge: layouts, lines, counters, links that break."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midge.errors import ProtocolError, RecipeError, ReplyTimeout, TransportLost
from midge.foreign import Layout, Lines, decoder, record_foreign
from midge.recipe import Recipe
from midge.record import Take
from midge.recording import load


class Peripheral:
    """Notifies what it was given, one take a step; None is a link that broke and came back meanwhile."""

    name = "ble:thing"

    def __init__(self, *notifications: bytes | None, step_s: float = 0.02) -> None:
        self.reconnects = 0
        self.now_s = 100.0
        self.step_s = step_s
        self.pause_s = 0.0
        self._notifications = [*notifications]

    def take(self, timeout_s: float) -> list[bytes]:
        if not self._notifications:
            raise TransportLost("ble:thing went out of reach; bring it nearer")
        data = self._notifications.pop(0)
        self.now_s += self.step_s
        if data is None:
            self.reconnects += 1
            self.now_s += self.pause_s
            return []
        return [data]

    def clock(self) -> float:
        return self.now_s


@pytest.fixture
def recipe(make_app: Callable[..., Path]) -> Recipe:
    return Recipe.load(str(make_app()))


Record = Callable[..., Take]


@pytest.fixture
def record(recipe: Recipe, tmp_path: Path) -> Iterator[Record]:
    def run(source: Peripheral, layout: str, seconds: float | None = None, **options: float) -> Take:
        return record_foreign(
            source,
            recipe,
            decoder(layout, recipe),
            label="left",
            into=tmp_path,
            seconds=seconds,
            clock=source.clock,
            **options,  # type: ignore[arg-type]
        )

    yield run


def samples(first: int, n: int) -> list[tuple[int, int, int]]:
    return [(index, -index, index * 7 % 1000) for index in range(first, first + n)]


def packed(rows: list[tuple[int, int, int]], header: bytes = b"") -> bytes:
    return header + b"".join(struct.pack("<hhh", *row) for row in rows)


def test_integers_are_kept_as_they_come(record: Record) -> None:
    take = record(
        Peripheral(packed(samples(0, 2)), packed(samples(2, 2)), packed(samples(4, 1))), "<hhh", 0.05
    )
    recording = load(take.path)
    assert recording.samples.tolist() == [list(row) for row in samples(0, 5)]
    assert (take.samples, take.lost, take.partial) == (5, 0, "")
    assert recording.sensor == "ble:thing"
    assert take.measured_rate_hz == pytest.approx(100)  # two samples in 20 ms


def test_floats_are_in_the_unit_and_counts_can_be_declared(record: Record) -> None:
    take = record(Peripheral(struct.pack("<fff", 1.0, -0.5, 9.0)), "<fff", 0.01)
    assert load(take.path).samples.tolist() == [[8192, -4096, 32767]]
    take = record(Peripheral(struct.pack(">hhh", 100, -100, 1)), ">hhh", 0.01, unit_per_count=0.01)
    assert load(take.path).samples.tolist() == [[8192, -8192, 82]]


def test_a_counter_tells_what_was_lost(record: Record) -> None:
    parts = [packed(samples(n, 10), struct.pack("<B", n % 256)) for n in (250, 260, 290, 300)]
    take = record(Peripheral(*parts), "<B|hhh", 0.6)
    assert (take.samples, take.lost) == (40, 20)
    (gap,) = take.gaps
    assert (gap.at, gap.lost) == (20, 20)


def test_a_counter_that_starts_anew_is_no_gap(record: Record) -> None:
    parts = [packed(samples(0, 5), struct.pack("<H", n)) for n in (500, 505, 0, 5)]
    take = record(Peripheral(*parts), "<H|hhh", 0.2)
    assert (take.samples, take.lost) == (20, 0)


def test_a_broken_link_leaves_a_gap_of_its_length(record: Record) -> None:
    source = Peripheral(packed(samples(0, 2)), packed(samples(2, 2)), None, packed(samples(4, 2)))
    source.pause_s = 1.0
    take = record(source, "<hhh", 1.08)
    assert (take.samples, take.lost) == (6, 102)  # 1.04 s at 100 Hz less the two that came
    assert take.gaps[0].at == 4
    assert take.reconnects == load(take.path).reconnects == 1


def test_a_counter_that_went_round_while_the_link_was_broken(record: Record) -> None:
    source = Peripheral(packed(samples(0, 2), b"\x00"), None, packed(samples(0, 2), b"\x05"))
    source.pause_s = 2.6
    take = record(source, "<B|hhh", 2.63)
    assert (take.samples, take.lost) == (4, 256 + 3)


def test_lines_of_numbers(record: Record) -> None:
    text = b"9,1.0\n0.5,-0.5\t1\r\nhello\n 1; 0.25 ;-1\n1,2\n0 0 0\n0.125,0"
    source = Peripheral(*(text[at : at + 7] for at in range(0, len(text), 7)), b",0\n")
    take = record(source, "csv", 0.04)
    assert load(take.path).samples.tolist() == [
        [4096, -4096, 8192],
        [8192, 2048, -8192],
        [0, 0, 0],
        [1024, 0, 0],
    ]


def test_lines_go_on_after_the_link_broke(record: Record) -> None:
    source = Peripheral(b"0,0,0\n0,0,0\n1,", None, b"1\n0,0,1\n", step_s=0.01)
    take = record(source, "csv", 0.04)
    assert load(take.path).samples.tolist()[-1] == [0, 0, 8192]
    assert (take.samples, take.lost) == (3, 1)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_lines_take_anything(parts: list[bytes]) -> None:
    lines = Lines(3)
    for part in parts:
        for block in lines.read(part):
            assert block.values.shape[1] == 3
            assert np.isfinite(block.values).all()


@given(st.binary(max_size=60))
def test_layouts_take_anything(data: bytes) -> None:
    layout = Layout("<HB|hhh", 3)
    blocks = layout.read(data)
    fits = len(data) > 3 and (len(data) - 3) % 6 == 0
    assert len(blocks) == fits
    assert layout.bad == (not fits)


def test_layouts_that_do_not_fit(recipe: Recipe) -> None:
    for text, message in (
        ("<hh", "2 values a sample, the recipe 3"),
        ("<hhk", "write it as"),
        ("", "0 values"),
    ):
        with pytest.raises(RecipeError, match=message):
            decoder(text, recipe)


def test_what_is_not_of_this_layout_is_told(record: Record, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="01 02 03 04"):
        record(Peripheral(b"\x01\x02\x03\x04"), "<hhh", 1)
    assert not [*tmp_path.glob("left*")]


def test_a_lost_link_keeps_what_came(record: Record) -> None:
    with pytest.raises(TransportLost, match="2 samples are kept") as lost:
        record(Peripheral(packed(samples(0, 2))), "<hhh")
    path = Path(str(lost.value).rpartition(" ")[2])
    assert load(path).partial == "ble:thing went out of reach"


def test_silence_is_told(record: Record) -> None:
    class Mute(Peripheral):
        def take(self, timeout_s: float) -> list[bytes]:
            self.now_s += timeout_s
            return []

    with pytest.raises(ReplyTimeout, match="notified nothing for 10 s"):
        record(Mute(), "<hhh", 1)


def test_a_label_that_nobody_knows(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="'up' is no label"):
        record_foreign(
            Peripheral(), recipe, decoder("<hhh", recipe), label="up", into=tmp_path, clock=lambda: 0.0
        )


@pytest.mark.parametrize("text", ["<hhc", "<hhs", "<4s|hhh", "<f|hhh"])
def test_a_layout_of_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="no number"):
        Layout(text, 3)


def test_a_sample_that_is_not_finite_is_bad() -> None:
    layout = Layout("<fff", 3)
    assert layout.read(struct.pack("<fff", 1, float("nan"), 2)) == []
    assert layout.bad == 1


@pytest.mark.parametrize(("text", "head"), [("<1H|hhh", b""), ("<2xH|hhh", b"ab")])
def test_a_counter_behind_a_number_or_padding_is_found(text: str, head: bytes) -> None:
    (block,) = Layout(text, 3).read(head + struct.pack("<H3h", 7, 1, 2, 3))
    assert block.counter == 7
