"""The ingest through the façade, with the real embedding model: every run brings the knowledge base up to date with
the disk, does no work twice, and never loses what it had to a file that is broken."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers import MINILM, assert_one_sentence, assert_sound, model_path
from numpy.typing import NDArray
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas
from tokenizers import Tokenizer

from ingest.embedder import Embedder
from ingest.report import IngestReport, Progress
from kb import KnowledgeBase
from retrieval.errors import EmbedderMismatch, StoreBusy, UsageError
from retrieval.store import Store
from retrieval.types import Chunk

SAMPLES = Path(__file__).parents[1] / "sample_docs"
FACTS = {
    "cellar.md": "# The cellar\n\nThe wine cellar is kept at twelve degrees.\n",
    "garden.md": "# The garden\n\nThe gardener prunes the apple trees in February.\n",
    "office/parking.txt": "Visitors park behind the bakery, never in front of the gate.\n",
    "office/printer.html": "<h1>Printer</h1><p>The printer on the second floor takes A3 paper.</p>",
}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(tmp_path / "docs", FACTS)


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", create=True) as opened:
        yield opened
        with Store.open(opened.folder) as store:
            assert_sound(store)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def pdf(path: Path, line: str, **options: object) -> Path:
    canvas = Canvas(str(path), invariant=True, **options)
    for number in (1, 2):
        canvas.drawString(72, 720, f"Page {number}. {line}")
        canvas.showPage()
    canvas.save()
    return path


def message(number: int, body: str) -> str:
    return (
        f"From dana@example.org Tue Sep  3 10:{number:02}:00 2024\n"
        f"Message-ID: <{number}@example.org>\nFrom: Dana <dana@example.org>\nSubject: Note {number}\n"
        f"Date: Tue, 03 Sep 2024 10:{number:02}:00 +0000\n\n{body}\n\n"
    )


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    """Documents added, updated, unchanged and removed."""
    return report.added, report.updated, report.unchanged, report.removed


def names(kb: KnowledgeBase) -> list[str]:
    """The file names of the documents, sorted."""
    return sorted(Path(listed.info.doc).name for listed in kb.list())


def best(kb: KnowledgeBase, query: str) -> str:
    """The file name of the best hit; empty when there is none."""
    hits = kb.search(query).hits
    return Path(hits[0].info.doc).name if hits else ""


def chunks(folder: Path) -> dict[int, tuple[Chunk, str]]:
    """Every chunk of the knowledge base in `folder` with its document's text, by id. Ids are never used twice, so
    a chunk that keeps its id was not embedded again."""
    query = (
        'SELECT c.id, c.start, c."end", c.header, d.text FROM chunks c JOIN documents d ON d.id = c.document_id '
        "WHERE c.space_id = (SELECT value FROM meta WHERE key = 'active_space')"
    )
    with Store.open(folder) as store:
        rows = store.connection.execute(query).fetchall()
    return {row[0]: (Chunk(row[1], row[2], header=row[3]), row[4]) for row in rows}


def longest(folder: Path) -> int:
    """Tokens of the longest chunk as the embedder reads it: header, text and the model's own two tokens."""
    tokenizer = Tokenizer.from_file(str(model_path(MINILM) / "tokenizer.json"))
    tokenizer.no_truncation()
    return max(
        len(tokenizer.encode(f"{c.header}\n{text[c.start : c.end]}").ids)
        for c, text in chunks(folder).values()
    )


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


def test_a_stopped_ingest_of_a_file_that_is_then_put_back_leaves_nothing_of_the_other_version(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    """The store has half of the new version then, while the file looks, by size and time, as it was before."""

    def stop(progress: Progress) -> None:
        if progress.chunks:  # the first documents are stored
            raise KeyboardInterrupt

    box, first = tmp_path / "team.mbox", message(0, "The key is with Bo.")
    box.write_text(first)
    os.utime(box, (10**9, 10**9))
    kb.ingest([box])
    box.write_text(message(0, "The key is with Di.") + "".join(message(n, "No.") for n in range(1, 300)))
    with pytest.raises(KeyboardInterrupt):
        kb.ingest([box], on_progress=stop)
    assert 100 < len(kb.list()) < 300
    assert "with Di" in kb.search("who has the key").hits[0].text

    box.write_text(first)
    os.utime(box, (10**9, 10**9))
    assert counts(kb.ingest([box]))[:3] == (0, 1, 0)
    assert "with Bo" in kb.search("who has the key").hits[0].text
    assert len(kb.list()) == 1


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


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are embedded, as the embedder gets them."""
    texts: list[str] = []
    encode = Embedder.encode

    def noting(self: Embedder, some: Sequence[str]) -> NDArray[np.float32]:
        texts.extend(some)
        return encode(self, some)

    monkeypatch.setattr(Embedder, "encode", noting)
    return texts


def vectors(folder: Path) -> dict[tuple[str, int], bytes]:
    """The stored vectors by the names of their files and their places."""
    query = (
        "SELECT f.doc, c.start, v.vector FROM vectors v JOIN chunks c ON c.id = v.chunk_id "
        "JOIN documents d ON d.id = c.document_id JOIN files f ON f.id = d.file_id"
    )
    with Store.open(folder) as store:
        return {(Path(doc).name, start): vector for doc, start, vector in store.connection.execute(query)}


def test_what_moves_is_not_embedded_again(kb: KnowledgeBase, docs: Path, embedded: list[str]) -> None:
    """Whoever renames a folder of ten thousand pages would wait for hours, for vectors that are there."""
    kb.ingest([docs])
    before = vectors(kb.folder)
    embedded.clear()
    (docs / "office").rename(docs / "bureau")
    (docs / "cellar.md").rename(docs / "vault.md")
    assert counts(kb.ingest([docs])) == (3, 0, 1, 3)
    assert embedded == []
    assert names(kb) == ["garden.md", "parking.txt", "printer.html", "vault.md"]
    renamed = {("vault.md" if name == "cellar.md" else name, at): v for (name, at), v in before.items()}
    assert vectors(kb.folder) == renamed
    assert best(kb, "wine cellar") == "vault.md"


def test_of_a_changed_page_only_the_changed_part_is_embedded(
    kb: KnowledgeBase, tmp_path: Path, embedded: list[str]
) -> None:
    """A log of a thousand entries grows by one a day."""
    entries = [f"# Entry {n}\n\n" + f"The boat of day {n} was late again. " * 40 for n in range(6)]
    page = write(tmp_path / "log", {"log.md": "\n\n".join(entries)}) / "log.md"
    kb.ingest([page])
    embedded.clear()
    page.write_text("\n\n".join([*entries, "# Entry 6\n\nThe boat sank.\n"]))
    assert counts(kb.ingest([page])) == (0, 1, 0, 0)
    assert len(embedded) == 1 and "sank" in embedded[0]


def test_copies_are_embedded_once(kb: KnowledgeBase, tmp_path: Path, embedded: list[str]) -> None:
    """The same mail lies in the sender's and in three readers' mailboxes; more copies come later."""
    box = message(1, "The choir meets on Mondays.") + message(2, "The key is with Bo.")
    mail = write(tmp_path / "mail", {f"{name}.mbox": box for name in "abc"})
    assert counts(kb.ingest([mail])) == (6, 0, 0, 0)
    assert len(embedded) == 2
    write(mail, {"d.mbox": box})
    assert counts(kb.ingest([mail])) == (2, 0, 6, 0)
    assert len(embedded) == 2
    with Store.open(kb.folder) as store:
        assert store.connection.execute(
            "SELECT count(*), count(DISTINCT vector) FROM vectors"
        ).fetchone() == (8, 2)


def test_a_base_from_before_texts_were_found_again_goes_on(
    kb: KnowledgeBase, docs: Path, embedded: list[str]
) -> None:
    """An update of kb must not ask for an ingest from the start."""
    kb.ingest([docs])
    with Store.open(kb.folder) as store:
        store.connection.execute("DROP INDEX vectors_digest")
        store.connection.execute("ALTER TABLE vectors DROP COLUMN digest")
    embedded.clear()
    (docs / "cellar.md").rename(docs / "vault.md")
    assert counts(kb.ingest([docs])) == (1, 0, 3, 1)
    assert len(embedded) == 1
    (docs / "vault.md").rename(docs / "cellar.md")
    assert counts(kb.ingest([docs])) == (1, 0, 3, 1)
    assert len(embedded) == 1


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


def test_a_folder_elsewhere_takes_nothing_away(kb: KnowledgeBase, docs: Path, tmp_path: Path) -> None:
    """Ingesting a second folder, also one whose name begins like the first one's, says nothing about the first."""
    other = write(tmp_path / "docs-2", {"cat.md": "The cat sleeps on the piano.\n"})
    kb.ingest([docs])
    assert counts(kb.ingest([other], prune=True)) == (1, 0, 0, 0)
    assert counts(kb.ingest([docs], prune=True)) == (0, 0, 4, 0)
    assert len(names(kb)) == 5
    assert kb.status().roots == (str(docs), str(other))


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


BROKEN = {
    "contract.pdf": "damaged or no PDF",
    "secret.pdf": "encrypted",
    "notes.md": "does not look like text",
    "empty.txt": "empty",
    "old.mbox": "holds no message",
    "not-mail.eml": "does not look like a message",
}


def break_all(folder: Path) -> None:
    """Writes the files in BROKEN, each broken in its own way."""
    whole = pdf(folder / "contract.pdf", "text").read_bytes()
    (folder / "contract.pdf").write_bytes(b"%PDF-1.4\n" + whole[200:300])
    pdf(folder / "secret.pdf", "text", encrypt=StandardEncryption("user", ownerPassword="owner"))
    (folder / "notes.md").write_bytes(bytes(range(256)) * 20)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "old.mbox").write_bytes(b"this is no mailbox\n" * 20)
    (folder / "not-mail.eml").write_bytes(b"\n\nno header at all\n")


def test_broken_files_are_listed_with_reasons_and_cost_the_others_nothing(
    kb: KnowledgeBase, docs: Path
) -> None:
    """In a folder of years some files are always broken; they must not stop the rest, nor be passed over silently."""
    break_all(docs)
    report = kb.ingest([docs])
    assert counts(report) == (4, 0, 0, 0)
    reasons = {Path(failure.doc).name: failure.error for failure in report.failed}
    assert reasons.keys() == BROKEN.keys()
    for name, sign in BROKEN.items():
        assert sign in reasons[name] and "\n" not in reasons[name], name
    for query, name in (("wine", "cellar.md"), ("apple trees", "garden.md"), ("A3 paper", "printer.html")):
        assert best(kb, query) == name
    assert kb.status().failed == report.failed

    again = kb.ingest([docs])  # they are known to be broken, and still said to be
    assert (counts(again), again.failed) == ((0, 0, 4, 0), report.failed)
    assert "read" not in again.seconds_by_stage


def test_a_broken_file_keeps_what_was_read_of_it_until_it_is_whole_again(
    kb: KnowledgeBase, docs: Path
) -> None:
    """A file caught in the middle of being saved or synchronised must not cost its contents."""
    names_before = {
        "report.pdf": "The boiler was replaced in May.",
        "team.mbox": "The choir meets on Mondays.",
    }
    whole = pdf(docs / "report.pdf", names_before["report.pdf"]).read_bytes()
    (docs / "team.mbox").write_text(message(1, names_before["team.mbox"]))
    kb.ingest([docs])
    before = chunks(kb.folder)
    (docs / "report.pdf").write_bytes(whole[:100])
    (docs / "team.mbox").write_bytes(b"")
    for _ in range(2):
        broken = kb.ingest([docs])
        assert counts(broken)[:2] + counts(broken)[3:] == (0, 0, 0)
        assert [Path(failure.doc).name for failure in broken.failed] == ["report.pdf", "team.mbox"]
        assert chunks(kb.folder) == before
    assert best(kb, "boiler replaced") == "report.pdf"
    assert best(kb, "when does the choir meet") == "team.mbox"

    (docs / "report.pdf").write_bytes(whole)
    (docs / "team.mbox").write_text(message(1, names_before["team.mbox"]))
    whole_again = kb.ingest([docs])
    assert (counts(whole_again), whole_again.failed, kb.status().failed) == ((0, 0, 6, 0), (), ())
    assert chunks(kb.folder) == before


def test_a_file_that_never_could_be_read_is_read_once_it_is_fixed(kb: KnowledgeBase, docs: Path) -> None:
    break_all(docs)
    kb.ingest([docs])
    pdf(docs / "secret.pdf", "The key lies under the flowerpot.")
    (docs / "notes.md").write_text("The ladder is in the shed.\n")
    report = kb.ingest([docs])
    assert counts(report) == (2, 0, 4, 0)
    assert {Path(failure.doc).name for failure in report.failed} == BROKEN.keys() - {"secret.pdf", "notes.md"}
    assert best(kb, "where is the key, the flowerpot") == "secret.pdf"
    (docs / "empty.txt").unlink()  # what failed and is gone is no failure any more
    assert "empty.txt" not in {Path(failure.doc).name for failure in kb.ingest([docs]).failed}
    assert "empty.txt" not in {Path(failure.doc).name for failure in kb.status().failed}


def test_a_path_that_is_given_in_several_ways_is_read_once(
    kb: KnowledgeBase, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Duplicates would crowd other documents out of the best hits."""
    (tmp_path / "link").symlink_to(docs)
    monkeypatch.chdir(tmp_path)
    paths = [
        docs / "office",
        docs,
        docs,
        docs / "cellar.md",
        Path("docs"),
        Path("docs/../docs"),
        tmp_path / "link",
    ]
    assert counts(kb.ingest(paths)) == (4, 0, 0, 0)
    for path in paths:
        report = kb.ingest([path])
        assert report.added == report.updated == report.removed == 0 and report.documents == 4
    assert names(kb) == sorted(Path(name).name for name in FACTS)


def test_a_file_read_alone_is_the_same_as_in_its_folder(kb: KnowledgeBase, docs: Path) -> None:
    assert counts(kb.ingest([docs / "cellar.md"])) == (1, 0, 0, 0)
    assert counts(kb.ingest([docs])) == (3, 0, 1, 0)
    (docs / "cellar.md").unlink()
    assert counts(kb.ingest([docs])) == (0, 0, 3, 1)


def test_links_and_hidden_files_are_not_read(kb: KnowledgeBase, docs: Path, tmp_path: Path) -> None:
    """A link may lead to what a person never meant to have indexed, and hidden folders hold programs' own files."""
    private = write(tmp_path / "private", {"diary.md": "Dear diary.\n"})
    write(docs, {".hidden.md": "Dear diary.\n", ".git/notes.md": "Dear diary.\n"})
    (docs / "linked").symlink_to(private)
    (docs / "diary.md").symlink_to(private / "diary.md")
    (docs / "loop").symlink_to(docs)
    report = kb.ingest([docs])
    assert (counts(report), report.failed) == ((4, 0, 0, 0), ())
    assert not [hit for hit in kb.search("dear diary").hits if "diary" in hit.text]


def test_a_missing_path_stops_the_ingest_before_it_does_anything(kb: KnowledgeBase, docs: Path) -> None:
    """A typing error must not read half of what was meant, nor count as a folder that was emptied."""
    with pytest.raises(UsageError) as caught:
        kb.ingest([docs, docs / "ofice"])
    assert_one_sentence(caught.value)
    assert str(docs / "ofice") in str(caught.value)
    assert (kb.list(), kb.status().roots) == ([], ())


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


def test_no_chunk_is_longer_than_what_the_model_reads(kb: KnowledgeBase, docs: Path) -> None:
    """What lies beyond the model's window would be stored and shown, but never found by its meaning."""
    prose = "The committee met and spoke about the heating, at length. " * 120
    rows = "\n".join(f"| {n} | {'antidisestablishmentarianism ' * 5}| 42,000 |" for n in range(60))
    write(docs, {
        "long.md": f"# {'A very long heading ' * 40}\n\n## {'ünder 見出し ' * 60}\n\n{prose}",
        "table.md": f"# Table\n\n| {'column ' * 30}| b | c |\n|---|---|---|\n{rows}\n",
        "line.txt": "x" * 6000 + "\n\n" + "日本語の長い文" * 400 + "\n\n" + "😀" * 900,
        "mail.eml": f"From: {'Dana ' * 90}<dana@example.org>\nSubject: {'Re: ' * 200}\n\n{prose}",
    })  # fmt: skip
    assert kb.ingest([docs]).failed == ()
    assert 128 < longest(kb.folder) <= 256


def test_another_model_is_noticed_and_reindexing_needs_no_source_file(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors of two models do not compare: mixing them would quietly find the wrong things. And the sources may be
    gone by the time the model changes."""
    models = tmp_path / "models"
    model = models / MINILM
    shutil.copytree(model_path(MINILM), model)
    if (encoders := model_path(MINILM).parent / "encoders").is_dir():
        shutil.copytree(encoders, models / "encoders", copy_function=os.symlink)
    monkeypatch.setenv("KB_MODELS", str(models))
    write(docs, {"long.txt": "The committee met and spoke about the heating. " * 40})
    with KnowledgeBase.open(tmp_path / "kb", create=True) as kb:
        kb.ingest([docs])
        old = chunks(kb.folder)
        settings = model / "sentence_bert_config.json"
        settings.write_text(settings.read_text().replace("256", "128"))  # another version, of the same size
        write(docs, {"new.md": "The dog is called Rufus.\n"})
        with pytest.raises(EmbedderMismatch) as caught:
            kb.ingest([docs])
        assert_one_sentence(caught.value)
        assert "kb reindex" in str(caught.value) and MINILM in str(caught.value)
        assert best(kb, "wine cellar") == "cellar.md", "what was there is still found"
        assert chunks(kb.folder) == old

        shutil.rmtree(docs)
        assert kb.reindex(str(model)) == len(chunks(kb.folder)) > len(old)
        assert kb.embedder == kb.status().embedder == str(model)
        assert not chunks(kb.folder).keys() & old.keys()
        assert longest(kb.folder) <= 128
        assert best(kb, "wine cellar") == "cellar.md"
        assert best(kb, "trees that bear fruit") == "garden.md"
        write(docs, FACTS | {"new.md": "The dog is called Rufus.\n"})
        assert counts(kb.ingest([docs])) == (1, 0, 4, 1)
        assert best(kb, "what is the dog called") == "new.md"
    with Store.open(tmp_path / "kb") as store:
        assert_sound(store)
