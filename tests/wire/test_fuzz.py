"""Both frame decoders take anything: a million inputs each, no crash, no hang, no growth."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midge import assets, targets
from midge.compile import link_kernels
from midge.virtual import interpreter
from midge_device.wire import frame

HERE = Path(__file__).parent
RUNS = 1_000_000

pieces = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"\0", b"\0\0", b"\xff" * 255, b"print\r\n", bytes(1100), b"\x01" * 1100]),
        st.builds(frame.encode_frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60)),
    ),
    max_size=12,
)


@given(pieces, st.data())
def test_any_stream_in_any_pieces_gives_the_same_frames(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    at_once = frame.FrameDecoder(keep_text=True)
    expected = at_once.feed(stream)
    piecewise = frame.FrameDecoder(keep_text=True)
    got = []
    at = 0
    while at < len(stream):
        n = data.draw(st.integers(1, 200))
        got += piecewise.feed(stream[at : at + n])
        at += n
    assert got == expected
    assert piecewise.pending == at_once.pending
    assert piecewise.take_text() == at_once.take_text()
    assert piecewise.garbage_bytes == at_once.garbage_bytes


@pytest.mark.check
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="no atheris for this system")
def test_coverage_guided(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, vector in enumerate(json.loads((HERE / "vectors.json").read_text())["messages"]):
        (corpus / str(number)).write_bytes(b"\x20" + bytes.fromhex(vector["frame"]))
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "fuzz_frame.py"),
            str(corpus),
            f"-runs={RUNS}",
            "-max_len=160",
            "-seed=1",
            "-timeout=10",
            "-rss_limit_mb=512",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ran = re.search(r"Done (\d+) runs", done.stderr)
    assert ran is not None and int(ran[1]) >= RUNS
    sizes_mb = [int(size) for size in re.findall(r"rss: (\d+)Mb", done.stderr)]
    assert sizes_mb[-1] <= sizes_mb[len(sizes_mb) // 2] + 32, "it grows"


# On the board: the same class, COBS in C. Streams are made of random bytes, zeros and damaged frames.
ON_THE_BOARD = """
import gc, json, random
from midge_device import primitives
from midge_device.wire.frame import HOST_PAYLOAD_BYTES, FrameDecoder, encode_frame
assert primitives.NATIVE
random.seed({seed})
decoder = FrameDecoder(HOST_PAYLOAD_BYTES, primitives.cobs_decode)
size = len(decoder._segment)
good = encode_frame(0x12, 7, b'still there')
def some(n):
    return bytes(random.getrandbits(8) for _ in range(n))
pool = [encode_frame(some(1)[0], some(1)[0], some(n)) for n in (0, 1, 2, 5, 60, 231)] * 4
pool += [some(1 + random.getrandbits(8) % 90) for _ in range(40)]
pool += [b'\\0', b'\\0\\0', b'\\xff' * 255, b'\\x01' * 600, bytes(300)]
before = 0
wrong = 0
stream = bytearray(400)
for turn in range({runs}):
    if turn == {runs} // 2:
        gc.collect()
        before = gc.mem_alloc()
    one = pool[random.getrandbits(12) % len(pool)]
    n = min(len(one), 400)
    stream[:n] = one[:n]
    if n:
        stream[random.getrandbits(10) % n] = random.getrandbits(8)
    try:
        decoder.feed(bytes(memoryview(stream)[:n]))
        if turn & 15 == 0:
            if decoder.feed(b'\\0' + good)[-1] != (0x12, 7, b'still there'):
                wrong += 1
    except Exception as error:
        wrong += 1
        print(repr(error))
    if len(decoder._segment) != size:
        wrong += 1
gc.collect()
print(json.dumps([wrong, gc.mem_alloc() - before]))
"""


def on_the_board(tmp_path: Path, runs: int) -> tuple[int, int]:
    """How often the board's decoder was wrong, and bytes that it holds more at the end than half-way."""
    (tmp_path / "midge_native.mpy").write_bytes(link_kernels.build_native(targets.get("x64")).mpy)
    done = subprocess.run(
        [*interpreter.ensure().command, "-c", ON_THE_BOARD.format(seed=1, runs=runs)],
        env={**os.environ, "MICROPYPATH": f"{assets.device_library().parent}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    wrong, grown = json.loads(done.stdout.splitlines()[-1])
    return wrong, grown


def test_the_boards_decoder(tmp_path: Path) -> None:
    wrong, grown = on_the_board(tmp_path, 20_000)
    assert wrong == 0
    assert grown < 256


@pytest.mark.check
def test_the_boards_decoder_a_million_times(tmp_path: Path) -> None:
    wrong, grown = on_the_board(tmp_path, RUNS)
    assert wrong == 0
    assert grown < 256
