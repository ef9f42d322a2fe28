"""Kills: what an ingest leaves that is ended by `kill -9` again and again.

    python -m benchmarks.faults WORK [--kills N] [--write]

A folder of notes and a mailbox changes while it is ingested: pages change, come and go, the mailbox grows. The process
is killed N times (default 50): half of the times by the clock, spread over a run, and half after so many bytes were
written, for its writes take some hundredths of a second. After every kill a copy of what it left is opened, checked and
searched. At last one ingest runs to its end, and what is then in the knowledge base is compared with what one ingest
makes of the same folder undisturbed.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import write_section
from kb import KnowledgeBase
from retrieval.errors import StoreMissing
from retrieval.store import Store
from retrieval.vectors import FILE

ROOT = Path(__file__).parents[1]
# One thread, so that a run takes as long on a busy machine as on an idle one.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
WORDS = (
    "budget boiler garden launch printer cellar supplier council meeting heating window contract invoice harbour "
    "ladder projector market engine station letter"
).split()
QUERIES = ("when is the boiler repaired", "the budget of the council", "Part 3 of page 7", "harbour ladder")
STAGES = 10  # how often the folder changes while it is read
# Cosine of the stored vectors of one text: a batch of other texts changes the last bits of a vector.
_SAME = 0.999


def write_tree(folder: Path, stage: int) -> None:
    """A folder as it is at a stage of its life: at each one a third of its pages change, the mailbox grows, a page
    comes and one goes. At stage 0 it has some 300 chunks, so that vectors are stored in more than one go."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page in range(30 + stage):
        version = max((s for s in range(1, stage + 1) if (s + page) % 3 == 0), default=0)
        rng = random.Random(f"{page} {version}")
        parts = (f"## Part {n} of page {page}\n\n{' '.join(rng.choices(WORDS, k=60))}.\n\n" for n in range(6))
        if page >= stage:
            (folder / f"page{page:02}.md").write_text("".join(parts))
    rng = random.Random(1)
    with (folder / "team.mbox").open("w") as box:
        for n in range(120 + 15 * stage):
            box.write(
                f"From dana@example.org Tue Sep  3 10:15:00 2024\nMessage-ID: <{n}@example.org>\nSubject: Note {n}\n"
                f"From: Dana <dana@example.org>\n\n{' '.join(rng.choices(WORDS, k=20))}.\n\n"
            )


def command(*arguments: str | Path) -> list[str]:
    """The `kb` command as a process."""
    return [sys.executable, "-m", "kb.main", *map(str, arguments)]


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs `kb` in `folder`, where the tree lies, so that paths are stored alike wherever that is."""
    return subprocess.run(
        command(*arguments), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a knowledge base holds, independent of the order in which it came. `files` is what tells whether one
    has changed; `vectors` are in the order of `chunks`."""

    files: list[tuple[object, ...]]
    documents: list[tuple[object, ...]]
    chunks: list[tuple[object, ...]]
    vectors: NDArray[np.float32]

    def same(self, other: "Contents") -> bool:
        """Whether both hold the same documents, chunks and, but for their last bits, vectors."""
        if (self.files, self.documents, self.chunks) != (other.files, other.documents, other.chunks):
            return False
        return bool((self.vectors * other.vectors).sum(axis=1).min() > _SAME)


def contents(store: Store) -> Contents:
    """Reads all that a store holds."""
    rows = store.connection.execute
    files = rows("SELECT doc, size, digest, version, failures FROM files ORDER BY doc").fetchall()
    documents = rows(
        "SELECT doc, part, documents.digest, kind, title, author, date, message_id, layout, text "
        "FROM documents JOIN files ON files.id = file_id ORDER BY doc, part"
    ).fetchall()
    chunks = rows(
        'SELECT f.doc, d.part, c.start, c."end", c.header, c.heading, c.page, t.body, v.vector FROM chunks c '
        "JOIN documents d ON d.id = c.document_id JOIN files f ON f.id = d.file_id "
        "JOIN chunk_texts t ON t.id = c.id JOIN vectors v ON v.chunk_id = c.id ORDER BY 1, 2, 3, 4"
    ).fetchall()
    vectors = np.frombuffer(b"".join(row[-1] for row in chunks), np.float16).reshape(len(chunks), -1)
    return Contents(files, documents, [row[:-1] for row in chunks], vectors.astype(np.float32))


def moments(rng: random.Random, seconds: float, folder: Path, kills: int) -> Iterator[Callable[[], bool]]:
    """When to kill, as conditions that each begin with the run that they end. `seconds` is how long a whole run takes,
    `folder` the knowledge base."""
    log, index = folder / "kb.sqlite-wal", folder / f"{FILE}.new"
    by_clock = [
        0.1 + (seconds - 0.1) * (n + rng.random()) / ((kills + 1) // 2) for n in range((kills + 1) // 2)
    ]
    rng.shuffle(by_clock)
    for number in range(kills):
        if number % 2 == 0:
            end = time.monotonic() + by_clock[number // 2]
            yield lambda end=end: time.monotonic() > end
        elif number % 10 == 9:
            yield index.exists
        else:
            enough = size(log) + rng.randint(50_000, 1_500_000)
            yield lambda enough=enough: size(log) >= enough


def size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def kill_when(due: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    """Kills the process once `due()`; False when it was done before."""
    while not due():
        if process.poll() is not None:
            assert process.returncode == 0
            return False
        time.sleep(0.0003)
    process.kill()
    return process.wait() == -signal.SIGKILL


def killed_ingests(home: Path, seconds: float, kills: int, seed: int) -> Iterator[tuple[bool, Path]]:
    """Ingests `docs` in `home` into `kb` there again and again, while it goes through its stages, and kills it. Yields
    whether that was before it was done, and a copy of what it left: so that the next one finds what the kill left."""
    docs, folder, copy = home / "docs", home / "kb", home / "copy"
    for number, due in enumerate(moments(random.Random(seed), seconds, folder, kills)):
        write_tree(docs, number * STAGES // kills)
        process = subprocess.Popen(
            command("ingest", "docs", "--kb", "./kb"), cwd=home, env=ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        killed = kill_when(due, process)
        if folder.exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder, copy)
        yield killed, copy
    write_tree(docs, STAGES)


def _is_sound(folder: Path) -> bool:
    """Whether what a kill left can be opened and searched, and its tables agree; an empty folder is sound, too."""
    try:
        with KnowledgeBase.open(folder) as kb:
            hits = kb.search(QUERIES[0]).hits
            slices = all(kb.show(hit.ref).text[hit.start : hit.end] == hit.text for hit in hits)
    except StoreMissing:
        return True
    with Store.open(folder) as store:
        rows = store.connection.execute
        rows("INSERT INTO fts (fts, rank) VALUES ('integrity-check', 1)")
        whole = (
            rows("PRAGMA integrity_check").fetchall() == [("ok",)]
            and not rows("PRAGMA foreign_key_check").fetchall()
        )
    return slices and whole


def main() -> None:
    """Kills, compares and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    quiet, home = arguments.work / "undisturbed", arguments.work / "killed"
    for folder in (quiet, home):
        shutil.rmtree(folder, ignore_errors=True)
    write_tree(quiet / "docs", STAGES)
    started = time.monotonic()
    run(quiet, "ingest", "docs", "--kb", "./kb").check_returncode()
    seconds = time.monotonic() - started
    killed = sound = 0
    for was_killed, left in killed_ingests(home, seconds, arguments.kills, seed=1):
        killed += was_killed
        sound += _is_sound(left)
        print(f"killed {killed}, sound {sound}", flush=True)
    run(home, "ingest", "docs", "--kb", "./kb").check_returncode()
    with Store.open(home / "kb") as store, Store.open(quiet / "kb") as other:
        found, expected = contents(store), contents(other)
    lost = len(set(expected.chunks) - set(found.chunks))
    more = len(found.chunks) - len(set(found.chunks) & set(expected.chunks))
    lines = [
        "| what | |", "|---|---|",
        f"| ingests killed before they were done, of {arguments.kills} | {killed} |",
        f"| left a knowledge base that opens, answers and is sound | {sound} |",
        f"| chunks after the last, undisturbed one | {len(found.chunks)} |",
        f"| lost; doubled or stale | {lost}; {more} |",
        f"| files, documents, chunks and vectors as without any kill | {'yes' if found.same(expected) else 'NO'} |",
    ]  # fmt: skip
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        write_section("Kills", f"python -m benchmarks.faults WORK --kills {arguments.kills} --write", table)


if __name__ == "__main__":
    main()
