"""What belongs to an ingest: the files below the paths that are given, each once, and nothing else."""

from pathlib import Path

import pytest
from helpers import assert_one_sentence
from ingesting import FACTS, counts, names, write

from kb import KnowledgeBase
from retrieval.errors import UsageError


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


def test_a_folder_elsewhere_takes_nothing_away(kb: KnowledgeBase, docs: Path, tmp_path: Path) -> None:
    """Ingesting a second folder, also one whose name begins like the first one's, says nothing about the first."""
    other = write(tmp_path / "docs-2", {"cat.md": "The cat sleeps on the piano.\n"})
    kb.ingest([docs])
    assert counts(kb.ingest([other], prune=True)) == (1, 0, 0, 0)
    assert counts(kb.ingest([docs], prune=True)) == (0, 0, 4, 0)
    assert len(names(kb)) == 5
    assert kb.status().roots == (str(docs), str(other))
