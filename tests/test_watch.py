"""`kb ingest --watch` as a process: the knowledge base follows the disk without a further command."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import assert_sound, kb

from kb import KnowledgeBase
from retrieval.store import Store
from retrieval.writer import writing

WAIT_SECONDS = 300  # on a busy machine


class Watching:
    """A folder that is watched, and what the process has said."""

    def __init__(self, root: Path) -> None:
        self.docs = root / "docs"
        self.base = self.docs / "base"  # inside what is watched: its own files must not set it off
        self.docs.mkdir()
        (self.docs / "garden.md").write_text("# Garden\n\nThe gardener prunes the apple trees.\n")
        self._out = root / "out"
        command = [
            sys.executable,
            "-m",
            "kb.main",
            "ingest",
            str(self.docs),
            "--watch",
            "--kb",
            str(self.base),
        ]
        with self._out.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self._out.read_text()

    @property
    def changes(self) -> list[str]:
        """The lines about what was done, without their times."""
        return [line[9:] for line in self.said.splitlines() if line[2:3] == line[5:6] == ":"]

    def names(self) -> set[str]:
        with KnowledgeBase.open(self.base) as base:
            return {Path(listed.info.doc).name for listed in base.list()}

    def text(self, name: str) -> str:
        """The text of a file's only document, as it is stored."""
        with KnowledgeBase.open(self.base) as base:
            refs = [listed.ref for listed in base.list() if Path(listed.info.doc).name == name]
            return base.show(refs[0]).text if len(refs) == 1 else ""

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds."""
        end = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.1)

    def stop(self) -> None:
        """Ctrl-C, which must end it quietly."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0
        assert "Traceback" not in self.said
        assert self.said.splitlines()[-1] == "kb: stopped watching; what was read is kept"


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    watched = Watching(tmp_path)
    try:
        watched.until(lambda: "kb: watching" in watched.said)
        yield watched
    finally:
        watched.process.kill()
        watched.process.wait()
    with Store.open(watched.base) as store:
        assert_sound(store)


def test_files_that_come_change_move_and_go_are_followed(watching: Watching) -> None:
    """Whoever keeps it running asks about what was saved a moment ago."""
    docs = watching.docs
    (docs / "new").mkdir()
    (docs / "new" / "dog.md").write_text("The dog is called Rufus.\n")
    watching.until(lambda: watching.names() == {"garden.md", "dog.md"})
    (docs / "garden.md").write_text("# Garden\n\nThe hedge is cut in October.\n")
    watching.until(lambda: "hedge" in watching.text("garden.md"))
    (docs / "new").rename(docs / "old")
    watching.until(lambda: len(watching.changes) == 3)
    (docs / "old" / "dog.md").unlink()
    watching.until(lambda: len(watching.changes) == 4)
    watching.stop()
    assert watching.names() == {"garden.md"}
    assert watching.changes == [
        "1 added; 2 documents", "1 updated; 2 documents", "1 added, 1 removed; 2 documents", "1 removed; 1 documents",
    ]  # fmt: skip


def test_a_burst_is_taken_in_whole(watching: Watching) -> None:
    """A branch is switched, an archive unpacked, a folder synchronised: much happens within a second, and files that
    are there for a moment only must leave nothing behind."""
    docs = watching.docs
    for number in range(50):
        (docs / f"{number:02}.md").write_text(f"# Minutes {number}\n\nThe council met for {number} hours.\n")
    for number in range(0, 50, 2):
        (docs / f"{number:02}.md").rename(docs / f"moved-{number:02}.md")
    for number in range(1, 50, 10):
        (docs / f"{number:02}.md").unlink()
    expected = {path.name for path in docs.glob("*.md")}
    assert len(expected) == 46
    watching.until(lambda: watching.names() == expected)
    watching.stop()
    assert "failed" not in watching.said


def test_a_file_that_is_replaced_again_and_again_ends_up_as_it_is(watching: Watching) -> None:
    """Editors save by renaming a new file over the old one, also while that is being read."""
    note, new = watching.docs / "garden.md", watching.docs / "garden.tmp"
    for number in range(300):
        new.write_text(f"# Garden\n\n{'The hedge grows. ' * 2000}\n\nIt has version {number}.\n")
        new.rename(note)
        time.sleep(0.01)
    watching.until(lambda: "It has version 299." in watching.text("garden.md"))
    watching.stop()
    assert watching.names() == {"garden.md"}


def test_another_writer_is_waited_for(watching: Watching) -> None:
    """A change that comes while another kb writes must not be lost, nor end the watch."""
    with Store.open(watching.base) as store, writing(store):
        (watching.docs / "dog.md").write_text("The dog is called Rufus.\n")
        watching.until(lambda: "trying again" in watching.said)
    watching.until(lambda: watching.names() == {"garden.md", "dog.md"})
    watching.stop()
    assert watching.said.count("trying again") == 1


def test_what_vanishes_in_bulk_is_kept(watching: Watching) -> None:
    """A share that drops out for a minute must not empty the knowledge base."""
    more = watching.docs / "more"
    more.mkdir()
    for name in ("ant.md", "bee.md", "cat.md"):
        (more / name).write_text(f"The {name[:3]} sleeps.\n")
    watching.until(lambda: len(watching.names()) == 4)
    more.rename(watching.docs.parent / "elsewhere")
    watching.until(lambda: "kept though gone" in watching.said)
    watching.stop()
    assert len(watching.names()) == 4


@pytest.mark.parametrize("option", ["--json", "--dry-run"])
def test_what_watching_can_not_do_is_said(tmp_path: Path, option: str) -> None:
    (tmp_path / "dog.md").write_text("The dog is called Rufus.\n")
    done = kb("ingest", tmp_path, "--watch", option, "--kb", tmp_path / "kb")
    assert (done.returncode, done.stdout) == (2, "") and "--watch" in done.stderr
    done = kb("ingest", tmp_path / "dog.md", "--watch", "--kb", tmp_path / "kb")
    assert done.returncode == 2 and "takes folders" in done.stderr
