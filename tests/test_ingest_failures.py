"""Files that are broken, and ingests that are stopped: they cost the other documents nothing, and are said."""

import os
from pathlib import Path

import pytest
from ingesting import best, chunks, counts, message, pdf
from reportlab.lib.pdfencrypt import StandardEncryption

from ingest.report import Progress
from kb import KnowledgeBase

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
