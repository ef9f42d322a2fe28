"""The ingest through the façade, with the real embedding model: every run brings the knowledge base up to date with
the disk, does no work twice, and never loses what it had to a file that is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import assert_one_sentence
from ingesting import FACTS, best, chunks, counts, message, names, write

from kb import KnowledgeBase
from retrieval.errors import StoreBusy
from retrieval.store import Store

SAMPLES = Path(__file__).parents[1] / "sample_docs"


def test_a_second_run_does_nothing_and_later_ones_only_what_changed(kb: KnowledgeBase, docs: Path) -> None:
    """Whoever has ten thousand files runs the ingest daily only if it does not start over."""
    first = kb.ingest([docs])
    assert (counts(first), first.failed) == ((4, 0, 0, 0), ())
    assert (first.documents, first.chunks) == (4, len(chunks(kb.folder)))
    assert {"models", "embed"} <= first.seconds_by_stage.keys()
    before = chunks(kb.folder)

    second = kb.ingest([docs])
    assert counts(second) == (0, 0, 4, 0)
    assert not {"models", "read", "embed", "store"} & second.seconds_by_stage.keys()
    assert chunks(kb.folder) == before

    write(
        docs,
        {
            "garden.md": "# The garden\n\nThe hedge is cut in October.\n",
            "new.md": "The dog is called Rufus.\n",
        },
    )
    (docs / "cellar.md").unlink()
    third = kb.ingest([docs])
    assert counts(third) == (1, 1, 2, 1)
    assert names(kb) == ["garden.md", "new.md", "parking.txt", "printer.html"]
    assert best(kb, "when is the hedge cut") == "garden.md"
    for gone in ("apple trees", "wine cellar"):
        assert not [hit for hit in kb.search(gone).hits if gone.split()[0] in hit.text]
    assert kb.status().last_ingest


def test_a_file_that_was_only_touched_is_not_read_again(kb: KnowledgeBase, docs: Path) -> None:
    """A backup that was put back, or a fresh checkout, gives all files new times and no new contents."""
    kb.ingest([docs])
    before = chunks(kb.folder)
    for path in docs.rglob("*.*"):
        os.utime(path, (10**9, 10**9))
    report = kb.ingest([docs])
    assert counts(report) == (0, 0, 4, 0)
    assert "embed" not in report.seconds_by_stage
    assert chunks(kb.folder) == before


def test_a_change_within_the_tick_of_the_clock_is_noticed(kb: KnowledgeBase, docs: Path) -> None:
    """A file that is saved twice in a row may keep its size and time; its last version must be the one found."""
    path = docs / "cellar.md"
    os.utime(path)
    kb.ingest([docs])
    times = path.stat()
    path.write_text(FACTS["cellar.md"].replace("twelve", "eleven"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (times.st_size, times.st_mtime_ns)
    assert counts(kb.ingest([docs])) == (0, 1, 3, 0)
    assert "eleven degrees" in kb.search("wine cellar").hits[0].text


def test_a_mailbox_that_grew_by_a_message_embeds_that_message(kb: KnowledgeBase, tmp_path: Path) -> None:
    """A mailbox of years changes with every mail; embedding all of it each time would take hours."""
    box = tmp_path / "team.mbox"
    box.write_text("".join(message(n, f"Room {n} has {n + 20} chairs.") for n in range(5)))
    kb.ingest([box])
    before = chunks(kb.folder)
    with box.open("a") as file:
        file.write(message(5, "The projector moved to the attic."))
    assert counts(kb.ingest([box])) == (1, 0, 5, 0)
    after = chunks(kb.folder)
    assert len(after) == len(before) + 1 and before.items() <= after.items()
    assert kb.search("projector").hits[0].info.message_id == "5@example.org"

    box.write_text("".join(message(n, f"Room {n} has {n + 20} chairs.") for n in range(5) if n != 2))
    assert counts(kb.ingest([box])) == (0, 0, 4, 2)
    assert set(chunks(kb.folder)) < set(before)


def test_files_that_vanish_in_bulk_are_kept_until_a_person_says_so(kb: KnowledgeBase, docs: Path) -> None:
    """A drive that is not mounted looks like an emptied folder; it must not empty the knowledge base."""
    kb.ingest([docs])
    shutil.rmtree(docs / "office")
    assert counts(kb.ingest([docs], prune=False)) == (0, 0, 2, 0)
    assert len(names(kb)) == 4
    (docs / "cellar.md").unlink()

    guarded = kb.ingest([docs])
    assert (counts(guarded), guarded.kept) == ((0, 0, 1, 0), 3)
    assert best(kb, "A3 paper printer") == "printer.html"
    assert (kb.ingest([docs], prune=False).kept, len(names(kb))) == (3, 4)

    pruned = kb.ingest([docs], prune=True)
    assert (counts(pruned), pruned.kept) == ((0, 0, 1, 3), 0)
    assert names(kb) == ["garden.md"]


def test_a_file_that_becomes_ignored_leaves_the_index_and_comes_back(kb: KnowledgeBase, docs: Path) -> None:
    kb.ingest([docs])
    (docs / ".kbignore").write_text("cellar.md\n")
    report = kb.ingest([docs])
    assert (report.removed, report.unchanged, report.ignored) == (1, 3, 1)
    (docs / ".kbignore").unlink()
    report = kb.ingest([docs])
    assert (report.added, report.unchanged, report.ignored) == (1, 3, 0)


def test_half_of_a_folder_may_vanish_without_a_question(kb: KnowledgeBase, docs: Path) -> None:
    kb.ingest([docs])
    shutil.rmtree(docs / "office")
    assert counts(kb.ingest([docs])) == (0, 0, 2, 2)
    assert names(kb) == ["cellar.md", "garden.md"]


def test_an_emptied_folder_keeps_all(kb: KnowledgeBase, docs: Path) -> None:
    kb.ingest([docs])
    shutil.rmtree(docs)
    docs.mkdir()
    assert kb.ingest([docs]).kept == 4
    assert len(names(kb)) == 4


def test_a_dry_run_says_what_would_be_done_and_does_nothing(kb: KnowledgeBase, docs: Path) -> None:
    """It is how one looks before a large ingest, or before files are removed."""
    planned = kb.ingest([docs], dry_run=True)
    assert (counts(planned), planned.documents) == ((4, 0, 0, 0), 0)
    assert (kb.list(), kb.status().roots, kb.status().last_ingest) == ([], (), None)
    kb.ingest([docs])
    write(docs, {"new.md": "The dog is called Rufus.\n", "garden.md": "# The garden\n\nThe hedge.\n"})
    (docs / "cellar.md").unlink()
    os.utime(docs / "office/parking.txt", (10**9, 10**9))

    with Store.open(kb.folder) as store:
        before = store.generation(), "\n".join(store.connection.iterdump())
        planned = kb.ingest([docs], dry_run=True)
        assert (store.generation(), "\n".join(store.connection.iterdump())) == before
    done = kb.ingest([docs])
    assert counts(planned) == counts(done) == (1, 1, 2, 1)


def test_a_second_ingest_is_told_which_process_writes(kb: KnowledgeBase, docs: Path) -> None:
    """Searching goes on meanwhile."""
    kb.ingest([docs])
    script = (
        "import sys; from pathlib import Path; from retrieval.store import Store\n"
        "from retrieval.writer import writing\n"
        "with Store.open(Path(sys.argv[1])) as store, writing(store):\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", script, str(kb.folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "ready\n"
        with pytest.raises(StoreBusy) as caught:
            kb.ingest([docs])
        assert_one_sentence(caught.value)
        assert f"process {holder.pid}" in str(caught.value) and str(kb.folder) in str(caught.value)
        assert best(kb, "wine cellar") == "cellar.md"
    finally:
        holder.communicate("\n", timeout=30)
    assert counts(kb.ingest([docs])) == (0, 0, 4, 0)


ODD = (
    "# Größe & naïve 😀 titles\r\n\r\nCafé, e\u0301 and 東京 stand\u00a0here; the tower is 333 m high.\r\n\r\n"
    "| Item | Price |\r\n|---|---|\r\n| Kettle | 42,000 |\r\n\r\n```\r\nprint('😀')\r\n```\r\n"
)


def test_every_hit_is_the_slice_that_its_ref_names(kb: KnowledgeBase, docs: Path) -> None:
    """A citation is proven by slicing: one character off and the proof is of something else."""
    write(docs, {"odd.md": ODD, "latin.txt": ""})
    (docs / "latin.txt").write_bytes(
        "Die Tür ist grün, der Schlüssel größer.\r\nZeile zwei.\r\n".encode("cp1252")
    )
    (docs / "team.mbox").write_text(
        message(1, "Grüße aus dem Büro.\n\nOn Monday Bo wrote:\n> old news\n\n-- \nDana")
    )
    for sample in ("pdf/corvane-agreement-summary.pdf", "wiki/firmware-build.html"):
        shutil.copy(SAMPLES / sample, docs)
    assert kb.ingest([docs]).failed == ()
    seen: set[str] = set()
    for query in (
        "Tokyo tower",
        "price of the kettle",
        "firmware",
        "agreement",
        "grün",
        "Büro",
        "cellar",
        "print",
    ):
        for hit in kb.search(query, k=50).hits:
            shown = kb.show(hit.ref)
            assert shown.text[shown.start : shown.end] == hit.text == hit.text.strip()
            assert (shown.start, shown.end, shown.page, shown.info) == (
                hit.start,
                hit.end,
                hit.page,
                hit.info,
            )
            assert kb.show(hit.ref.partition(":")[0]).text == shown.text
            seen.add(hit.ref)
    assert len(seen) == len(chunks(kb.folder)), "these queries bring up every chunk"
