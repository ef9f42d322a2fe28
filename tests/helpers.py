"""What several tests share: models of the model store, stores filled by hand, hits made of text, `kb` as a process,
small disks."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kb.catalogue import PinnedFile
from kb.model_store import ModelStore
from retrieval.errors import KbError
from retrieval.sentences import strip_span
from retrieval.store import Space, Store
from retrieval.types import Chunk, DocumentInfo, Hit, Kind
from retrieval.words import search_words
from retrieval.writer import NewDocument, Writer

MINILM = "all-minilm-l6-v2"
SMALL_MODEL = "qwen2.5-coder-0.5b"
DIMENSIONS = 32


def model_path(name: str) -> Path:
    """The model in the user's model store, where `make test` puts it."""
    return Path(ModelStore().path(name))


def pin(name: str, data: bytes) -> PinnedFile:
    """The pin of a file with that content."""
    return PinnedFile(name, len(data), hashlib.sha256(data).hexdigest())


def bag_of_words(texts: Sequence[str], dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """Unit vectors that count hashed words: a real, if poor, embedding that needs no model."""
    vectors = np.zeros((len(texts), dimensions), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            vectors[row, zlib.crc32(word.encode()) % dimensions] += 1
        vectors[row, 0] += 1e-3  # a text without words has a direction too
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def info(
    doc: str = "notes.md", part: str = "", kind: Kind = "wiki", title: str = "Notes", author: str | None = None,
    date: str | None = None,
) -> DocumentInfo:  # fmt: skip
    return DocumentInfo(doc=doc, part=part, kind=kind, title=title, author=author, date=date)


def paragraphs(text: str, header: str = "") -> list[Chunk]:
    """A chunk for each paragraph of `text`."""
    spans = [m.span() for m in re.finditer(r"(?:.+\n?)+", text)]
    return [Chunk(*strip_span(text, *span), header=header) for span in spans if text[slice(*span)].strip()]


def new_document(text: str, about: DocumentInfo, dimensions: int = DIMENSIONS) -> NewDocument:
    """`text` in a chunk a paragraph, with bag-of-words vectors."""
    chunks = paragraphs(text, about.title)
    key = f"{about.doc}#{about.part}"
    return NewDocument(
        info=about, ref=f"{zlib.crc32(key.encode()):08x}", digest=f"{zlib.crc32(text.encode()):08x}", layout="[]",
        text=text, chunks=chunks,
        vectors=bag_of_words([f"{c.header}\n{text[c.start : c.end]}" for c in chunks], dimensions),
    )  # fmt: skip


def toy_space(writer: Writer, name: str = "bag-of-words", dimensions: int = DIMENSIONS) -> Space:
    """The space of `bag_of_words`."""
    return writer.add_space(name, f"fingerprint-of-{name}", dimensions, 256)


def put(writer: Writer, text: str, about: DocumentInfo, space: Space | None = None) -> int:
    """Stores `text` as a document of the file `about.doc` and returns the file's id."""
    file_id = writer.begin_file(b"/" + about.doc.encode(), about.doc)
    space = space or toy_space(writer)
    writer.put(file_id, new_document(text, about, space.dimensions), space)
    return file_id


def hit(
    text: str, about: DocumentInfo | None = None, *, rank: int = 1, start: int = 0, ref: str = "abc",
    heading: tuple[str, ...] = (), score: float = 1.0, replaced_by: str | None = None,
) -> Hit:  # fmt: skip
    """A hit on `text`, which lies at `start` in its document."""
    end = start + len(text)
    return Hit(
        rank=rank, ref=f"{ref}:{start}-{end}", document_id=rank, info=about or info(), start=start, end=end, text=text,
        heading=heading, score=score, dense=score, replaced_by=replaced_by,
    )  # fmt: skip


def found(store: Store, query: str) -> set[str]:
    """The paths of the documents in which the words of `query` are found."""
    space = store.space()
    assert space is not None
    ids = search_words(store, space, query, 100, "1", []).best.keys()
    return {chunk.info.doc for chunk in store.chunks(list(ids)).values()}


def assert_sound(store: Store) -> None:
    """SQLite, the full-text index and the relations between tables agree."""
    connection = store.connection
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.execute("INSERT INTO fts (fts, rank) VALUES ('integrity-check', 1)")
    chunks, vectors = (
        {row[0] for row in connection.execute(sql)}
        for sql in ("SELECT id FROM chunks", "SELECT chunk_id FROM vectors")
    )
    assert chunks == vectors


def assert_one_sentence(error: KbError) -> None:
    text = str(error)
    assert text and "\n" not in text and "Traceback" not in text
    assert len(text) < 600


# Variables that change what kb prints, or where it looks.
_OURS = ("KB_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONIOENCODING", "HF_")


def kb(
    *arguments: str | Path, stdin: int | None = subprocess.DEVNULL, stdout: int = subprocess.PIPE,
    environment: Mapping[str, str] | None = None, cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Runs the command in a process of its own, on no terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.run(
        [sys.executable, "-m", "kb.main", *map(str, arguments)],
        stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True, encoding="utf-8", timeout=120, cwd=cwd,
        env={**kept, "PYTHONIOENCODING": "utf-8", **(environment or {})},
    )  # fmt: skip


def kb_json(*arguments: str | Path) -> dict[str, Any]:
    """The object that a `--json` run prints: one, and nothing else."""
    done = kb(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


@contextmanager
def disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of that size (as in `mount -o size=`) at `place`. Skips the test where none can be made."""
    place.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here to make a small disk with")
    if mounted.returncode != 0:
        pytest.skip(f"a small disk can't be made here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Changes a mounted disk: "ro" for read-only, "rw" for writable."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)
