"""The file of a derived index: all that a stopped save or a bad disk can leave is noticed, and nothing that a reader
has in its hands ever changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.frames import Frame, append, read, rewrite

IDENTITY: dict[str, str | int] = {"store": "s", "space": 1}


def frame(first: int, stamp: str, rows: int = 5) -> Frame:
    arrays = {
        "ids": np.arange(first, first + rows),
        "words": np.frombuffer(b"some bytes", np.uint8),
        "empty": np.empty((0, 3), dtype=np.float16),
    }
    return Frame(arrays, last=first + rows, generation=7, stamp=stamp)


def add(file: Path, new: Frame) -> None:
    append(file, file.stat().st_size, new, IDENTITY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three frames."""
    path = tmp_path / "index"
    rewrite(path, frame(0, "one"), IDENTITY)
    add(path, frame(10, "two"))
    add(path, frame(20, "three"))
    return path


def firsts(frames: list[Frame]) -> list[int]:
    return [int(found.arrays["ids"][0]) for found in frames]


def test_what_was_written_is_read(file: Path) -> None:
    frames = read(file, IDENTITY, "three")
    assert firsts(frames) == [0, 10, 20]
    for found, written in zip(frames, (frame(0, "one"), frame(10, "two"), frame(20, "three")), strict=True):
        assert (found.last, found.generation, found.stamp) == (written.last, 7, written.stamp)
        for name, array in written.arrays.items():
            np.testing.assert_array_equal(found.arrays[name], array)
            assert found.arrays[name].dtype == array.dtype


def test_a_frame_takes_the_place_of_those_before_it(file: Path) -> None:
    """Merging small frames must not leave their chunks in the index twice."""
    add(file, replace(frame(10, "four", rows=15), replaces=2))
    assert firsts(read(file, IDENTITY, "four")) == [0, 10]
    assert firsts(read(file, IDENTITY, "three")) == [0, 10, 20], "who read it before reads it still"


def test_what_came_after_the_stamp_is_not_read(file: Path) -> None:
    """The store has not heard of it: its save was stopped, or is under way."""
    assert firsts(read(file, IDENTITY, "two")) == [0, 10]
    assert read(file, IDENTITY, "unheard of") == []
    assert read(file, IDENTITY, None) == []


def test_an_unfinished_frame_is_written_over(file: Path) -> None:
    end = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"half a frame")
    append(file, end, frame(30, "four"), IDENTITY)
    assert firsts(read(file, IDENTITY, "four")) == [0, 10, 20, 30]


def test_a_file_of_something_else_is_not_used(file: Path) -> None:
    assert read(file, {"store": "another", "space": 1}, "three") == []
    assert read(file, {"store": "s", "space": 2}, "three") == []


def test_every_changed_byte_is_noticed(file: Path) -> None:
    """A flipped bit would quietly move a passage out of reach."""
    content = file.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 0x10
        file.write_bytes(changed)
        assert read(file, IDENTITY, "three") == []
    file.write_bytes(content)
    assert read(file, IDENTITY, "three")


def test_every_cut_is_noticed(file: Path) -> None:
    content = file.read_bytes()
    for size in range(len(content)):
        file.write_bytes(content[:size])
        assert read(file, IDENTITY, "three") == []


def test_blocks_that_changed_places_are_noticed(tmp_path: Path) -> None:
    """A sum over all would not see it."""
    file = tmp_path / "index"
    rewrite(file, Frame({"ids": np.arange(1 << 18)}, last=0, generation=0, stamp="one"), IDENTITY)
    content = file.read_bytes()
    block = 1 << 20
    head = len(content) - 2 * block
    file.write_bytes(content[:head] + content[head + block :] + content[head : head + block])
    assert read(file, IDENTITY, "one") == []


def test_what_was_read_before_is_not_read_again(file: Path) -> None:
    """To check 768 MB again after each message that comes in would take longer than to store it."""
    before = read(file, IDENTITY, "three")
    add(file, frame(30, "four"))
    after = read(file, IDENTITY, "four", known=before)
    assert firsts(after) == [0, 10, 20, 30]
    assert all(old is new for old, new in zip(before, after, strict=False))
    rewrite(file, frame(50, "five"), IDENTITY)
    assert firsts(read(file, IDENTITY, "five", known=after)) == [50], "a new file is a new one"
    assert firsts(after) == [0, 10, 20, 30], "who has the old one has it still"
