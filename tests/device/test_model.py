"""A module file is judged before its import: the firmware's loader would read past the end of half of one."""

from __future__ import annotations

from midge.virtual import VirtualBoard

from .conftest import Build, run


def _judge(board: VirtualBoard, files: dict[str, bytes]) -> dict[str, str]:
    """What check_file says of each file: its size, or why it is refused."""
    for name, content in files.items():
        (board.folder / name).write_bytes(content)
    said = run(
        board,
        "from midge_device.model import check_file, RefusedError\n"
        f"for name in {sorted(files)!r}:\n"
        "    try:\n        print(name, check_file('/' + name))\n"
        "    except RefusedError as refused:\n        print(name, refused.text)\n",
    )
    return dict(line.split(" ", 1) for line in said.splitlines())


def test_a_whole_module_is_taken(board: VirtualBoard, build_model: Build) -> None:
    mpy = build_model().mpy
    assert _judge(board, {"whole": mpy}) == {"whole": str(len(mpy))}


def test_a_module_cut_anywhere_is_refused(board: VirtualBoard, build_model: Build) -> None:
    mpy = build_model().mpy
    ends = [*range(4, 60), *range(60, len(mpy) - 1, 97), len(mpy) - 1]
    cut = {f"cut{end}": mpy[:end] for end in ends}
    assert set(_judge(board, cut).values()) == {"the file is cut short"}


def test_other_files_are_refused(board: VirtualBoard, build_model: Build) -> None:
    mpy = build_model().mpy
    armv6m = bytes([mpy[0], mpy[1], 4 << 2 | mpy[2] & 3]) + mpy[3:]
    said = _judge(
        board, {"text": b"hello", "empty": b"", "foreign": armv6m, "older": mpy[:1] + b"\x05" + mpy[2:]}
    )
    assert said["text"] == said["empty"] == "not a .mpy file"
    assert said["foreign"] == "built for armv6m, this board is x64"
    assert "5" in said["older"]
    assert "6" in said["older"]
