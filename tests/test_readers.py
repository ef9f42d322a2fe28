"""Several reader processes at once: what comes out is what one would have read, in the same order, whatever one of
the files does to its reader."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from loading import DATA

from ingest import readers, worker
from ingest.document import Document, PartFailure
from ingest.readers import Readers
from retrieval.errors import KbError, LoadError

SAMPLES = Path(__file__).parents[1] / "sample_docs"
Read = list[Document | PartFailure | str]


def read_all(paths: Sequence[Path], processes: int, seconds_per_file: float = 60) -> list[Read]:
    """What is read of each file; an error as its sentence."""
    found: list[Read] = []
    files = [(path, str(path)) for path in paths]
    with Readers(files, processes=processes, seconds_per_file=seconds_per_file) as opened:
        for file in opened:
            items: Read = []
            found.append(items)
            try:
                items.extend(file)
            except LoadError as error:
                items.append(str(error))
    assert len(found) == len(paths)
    return found


def children() -> set[int]:
    """The processes that this one has started and that still are."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()}


def test_three_readers_give_what_one_gives_in_the_same_order() -> None:
    """A second ingest elsewhere must make the same knowledge base, and a killed one have the first files whole."""
    paths = [*sorted(DATA.rglob("*.*")), *sorted((SAMPLES / "mail").iterdir())]
    one = read_all(paths, 1)
    assert read_all(paths, 3) == one
    assert sum(map(len, one)) > len(paths)


def test_a_file_that_hangs_or_crashes_holds_up_no_other(evil: Path) -> None:
    for number in range(12):
        (evil / f"note{number:02}.md").write_text(f"# Note {number}\n")
    for name, what in (("note03a", "hang"), ("note05a", "crash"), ("note07a", "talk")):
        (evil / f"{name}.txt").write_text(what)
    paths = sorted(evil.iterdir())
    found = dict(zip(paths, read_all(paths, 2, seconds_per_file=1), strict=True))
    for path, items in found.items():
        (item,) = items
        if path.suffix == ".md":
            assert isinstance(item, Document) and item.info.doc == str(path)
        else:
            assert isinstance(item, str) and ("too long" in item or "crash" in item)


def test_readers_wait_for_whoever_takes_what_they_read(evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand notes must not lie in memory because embedding them takes longer than reading them."""
    monkeypatch.setattr(readers, "_AHEAD_CHARS", 30_000)
    for number in range(60):
        (evil / f"{number:02}.txt").write_text("long 10000")
    paths = sorted(evil.glob("*.txt"))
    with Readers([(path, str(path)) for path in paths], processes=2) as opened:
        files = iter(opened)
        assert len(list(next(files))) == 1
        time.sleep(1)
        # Of each reader: three on its shelf, one that does not fit, two on their way there and one in its hands.
        assert len(list(evil.glob("*.read"))) <= 1 + 2 * 7
        assert sum(len(list(file)) for file in files) == 59


def test_one_long_file_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    """A mailbox of years comes first, and its reader is ahead as far as it may be."""
    line = "From a@b.c Tue Sep  3 10:15:00 2024\nSubject: {0}\n\nbody of {0}\n\n"
    (tmp_path / "a.mbox").write_text("".join(line.format(number) for number in range(5000)))
    (tmp_path / "b.md").write_text("# B")
    mailbox, page = read_all([tmp_path / "a.mbox", tmp_path / "b.md"], 2)
    assert len(mailbox) == 5000 and len(page) == 1
    subjects = [item.info.title for item in mailbox if isinstance(item, Document)]
    assert subjects == [str(number) for number in range(5000)]


def test_leaving_in_the_midst_ends_all_readers(evil: Path) -> None:
    """Ctrl-C must not leave processes behind that go on reading."""
    before = children()
    for number in range(20):
        (evil / f"{number:02}.txt").write_text("hang" if number % 2 else "long 1000000")
    files = [(path, str(path)) for path in sorted(evil.glob("*.txt"))]
    started = time.monotonic()
    with Readers(files, processes=3, seconds_per_file=3600) as opened:
        next(iter(next(iter(opened))))
    assert time.monotonic() - started < 600  # and not the hour that a hanging file is given here
    assert children() == before


def test_a_file_that_changes_while_it_is_read_is_known(evil: Path) -> None:
    """What was read is neither the old file nor the new one: it must be read again."""
    (evil / "grows.txt").write_text("grow")
    changed = []
    with Readers([(path, str(path)) for path in sorted(evil.iterdir())], processes=1) as opened:
        for file in opened:
            list(file)
            changed.append(file.changed)
    assert changed == [False, True]


def test_a_machine_without_room_for_a_reader_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_CODE", "import sys; sys.exit(1)")
    (tmp_path / "a.md").write_text("# A")
    with pytest.raises(KbError, match="does not start"):
        read_all([tmp_path / "a.md"] * 3, 2)


def test_a_file_is_dated_from_before_its_reading(tmp_path: Path) -> None:
    """A change that comes after is told from the time and the digest that were noted."""
    path = tmp_path / "a.md"
    path.write_text("# A")
    (tmp_path / "folder.md").mkdir()
    before = time.time_ns()
    with Readers([(path, "a"), (tmp_path / "gone.md", "b")], processes=2) as opened:
        files = iter(opened)
        first = next(files)
        list(first)
        assert before <= first.read_ns <= time.time_ns() and first.digest == readers.file_digest(path)
        second = next(files)
        with pytest.raises(FileNotFoundError):
            list(second)
        assert second.digest is None
