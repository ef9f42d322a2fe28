"""Reads files the way an ingest does, and checks what holds for every document."""

from pathlib import Path

from ingest.document import Document, PartFailure
from ingest.loaders import loader_for
from retrieval.text import clean, one_line

DATA = Path(__file__).parent / "data"


def load(path: Path) -> tuple[list[Document], list[PartFailure]]:
    """The documents of a file, each checked, and the parts of it that failed."""
    loader = loader_for(path)
    assert loader is not None, path
    documents, failures = [], []
    for item in loader(path, path.name):
        if isinstance(item, Document):
            assert_lawful(item)
            documents.append(item)
        else:
            assert item.reason and "\n" not in item.reason
            failures.append(item)
    parts = [document.info.part for document in documents]
    assert len(parts) == len(set(parts)), "two documents of a file with one name: one would replace the other"
    return documents, failures


def load_one(path: Path) -> Document:
    """The only document of a file that has no failures."""
    documents, failures = load(path)
    assert not failures
    (document,) = documents
    return document


def assert_lawful(document: Document) -> None:
    """What every citation relies on: one clean text, and blocks that hold all of it but the space between them."""
    text = document.text
    assert text == clean(text)
    at = 0
    for block in document.blocks:
        assert at <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip()
        assert not text[at : block.start].strip(), "text that is in no block would never be found"
        at = block.end
    assert not text[at:].strip()
    assert document.info.title and document.info.title == one_line(document.info.title)


def texts(document: Document, kind: str) -> list[str]:
    """The texts of the blocks of a kind."""
    return [document.text[b.start : b.end] for b in document.blocks if b.kind == kind]
