"""The way of the data into the index: walk, read, chunk, embed, store; and only what changed.

A file is unchanged when its size and modification time are, or else its bytes. The documents of a changed
file are compared one by one, so that a mailbox that grew by a message embeds one message. Each document is
one transaction, and a file counts as done only after its last one: a killed ingest goes on where it was.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingest.chunker import CHUNKER_VERSION, embedded_texts
from ingest.document import Document, PartFailure, dump_layout, load_layout
from ingest.embedder import ModelFolder
from ingest.export import export
from ingest.loaders import LOADERS_VERSION
from ingest.model import Model
from ingest.quoted import quote_chunks, settle
from ingest.report import Failure, IngestReport, Progress
from ingest.walk import Found, require, walk
from ingest.worker import ReaderProcess
from retrieval.encoder import SETTINGS
from retrieval.errors import LoadError
from retrieval.indexes import save_indexes
from retrieval.types import Chunk
from retrieval.writer import FileState, NewDocument, Writer, now_ns

# Chunks that are embedded together: enough to sort by length and fill batches, few enough that a killed
# ingest loses some seconds only.
_FLUSH_CHUNKS = 256
# Chunks after which the derived indexes are saved, so that searches have little to take in by themselves meanwhile.
SAVE_CHUNKS = 2048
# A file modified this shortly before it was read may have been modified again within its clock's tick.
_RACY_NS = 2_000_000_000
VERSION = f"{LOADERS_VERSION}.{CHUNKER_VERSION}"


def path_key(path: Path) -> bytes:
    """What identifies a file in the store: its absolute path, symbolic links resolved."""
    return os.fsencode(path.resolve())


@dataclass(slots=True)
class _Counts:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: int = 0
    ignored: int = 0
    kept: int = 0
    failed: list[Failure] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


@dataclass(frozen=True, slots=True)
class _Pending:
    """A document that waits for its vectors, or (`document` None) the end of its file."""

    file_id: int
    document: Document | None = None
    digest: str = ""
    ref: str = ""
    chunks: Sequence[Chunk] = ()
    finish: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """A file to read in."""

    found: Found
    doc: str
    state: FileState | None


class Ingest:
    """One run of an ingest, or of a re-index, by the holder of the writer's lock."""

    def __init__(
        self, writer: Writer, model_folder: Callable[[str | None], ModelFolder],
        encoder_folder: Callable[[str], Path], on_progress: Callable[[Progress], None] | None = None,
    ) -> None:  # fmt: skip
        self._writer = writer
        self._store = writer.store
        self._model_folder = model_folder
        self._encoder_folder = encoder_folder
        self._tell = on_progress or (lambda progress: None)
        self._counts = _Counts()
        self._model: Model | None = None
        self._pending: list[_Pending] = []
        self._vanished: list[FileState] = []
        self._done_bytes = self._all_bytes = 0
        self._embedded = self._unsaved = self._files = self._files_total = 0

    def run(self, paths: Sequence[Path], *, prune: bool | None, dry_run: bool) -> IngestReport:
        """Brings the index up to date with the files in `paths`; see `KnowledgeBase.ingest`."""
        started = time.perf_counter()
        counts = self._counts
        require(paths)
        work: list[_Work] = []
        with counts.timed("scan"):
            for path in _outermost(paths):
                self._tell(Progress("scan", str(path)))
                work += self._scan(path, prune, dry_run)
        if dry_run:
            counts.added = sum(1 for item in work if item.state is None)
            counts.updated = len(work) - counts.added
        else:
            if work:
                self._read_all(work)
            # Only now, so that a file that moved finds the vectors of its texts.
            for state in self._vanished:
                self._writer.remove_file(state.id)
            with counts.timed("quotes"):
                self._embedded += settle(self._writer, self._loaded)
            self._finish()
        if not dry_run:
            self._writer.note_ingest()
            with counts.timed("index"):
                self._save_index()
        documents, chunks, _ = self._store.counts()
        return IngestReport(
            added=counts.added, updated=counts.updated, unchanged=counts.unchanged, removed=counts.removed,
            failed=tuple(counts.failed), skipped=counts.skipped, ignored=counts.ignored, kept=counts.kept,
            documents=documents, chunks=chunks,
            seconds=time.perf_counter() - started, seconds_by_stage=counts.seconds,
        )  # fmt: skip

    def reindex(self, embedder: str | None) -> int:
        """Embeds all stored documents with `embedder` and makes its vectors the ones in use."""
        model = Model(self._model_folder(embedder), self._writer, must_match=False)
        for done, ref in enumerate(refs := self._writer.unindexed(model.space)):
            self._tell(Progress("index", ref, done / len(refs), self._embedded, done, len(refs)))
            stored = self._store.document(ref)
            document = Document(stored.info, stored.text, load_layout(stored.layout))
            chunks = model.chunker.chunks(document) + quote_chunks(self._store, stored, model.chunker)
            vectors, digests = model.embed(embedded_texts(chunks, document))
            self._writer.put_chunks(stored.id, model.space, chunks, vectors, digests)
            self._embedded += len(chunks)
        self._model = model
        self._finish()
        self._writer.activate(model.space)
        self._save_index()
        return self._store.counts()[1]

    def _scan(self, path: Path, prune: bool | None, dry_run: bool) -> list[_Work]:
        """The files below `path` that must be read; notes the others, and what vanished and is to go."""
        counts = self._counts
        root = path_key(path)
        known = self._writer.files_below(root)
        walked = walk(path)
        counts.skipped += walked.skipped
        counts.ignored += walked.ignored
        counts.failed += [Failure(failure.part, failure.reason) for failure in walked.failures]
        work: list[_Work] = []
        for found in walked.found:
            state = known.pop(path_key(found.path), None)
            if state is not None and self._unchanged(found, state, dry_run):
                counts.unchanged += len(self._writer.parts(state.id))
                counts.failed += [Failure(_name(state.doc, part), reason) for part, reason in state.failures]
            else:
                work.append(_Work(found, state.doc if state else _doc(found.path), state))
        unseen = tuple(os.fsencode(Path(failure.part).resolve()) + b"/" for failure in walked.failures)
        vanished = [state for key, state in known.items() if not key.startswith(unseen or (b"\0",))]
        documents = sum(len(self._writer.parts(state.id)) for state in vanished)
        many = len(vanished) * 2 > len(vanished) + len(walked.found)
        if prune is False or (many and prune is None):
            counts.kept += documents
        else:
            counts.removed += documents
            self._vanished += vanished
        if not dry_run:
            self._writer.add_root(root)
        return work

    def _unchanged(self, found: Found, state: FileState, dry_run: bool) -> bool:
        """Whether the store has all of the file as it is. Reads its bytes only when its times say nothing, and notes
        the times then."""
        if state.digest is None or state.version != VERSION or state.size != found.size:
            return False
        if state.mtime_ns == found.mtime_ns and found.mtime_ns < (state.read_ns or 0) - _RACY_NS:
            return True
        if found.path.is_dir() or _file_digest(found.path) != state.digest:
            return False
        if not dry_run:
            self._writer.finish_file(
                state.id, size=found.size, mtime_ns=found.mtime_ns, read_ns=now_ns(), digest=state.digest,
                version=VERSION, failures=state.failures,
            )  # fmt: skip
        return True

    def _read_all(self, work: Sequence[_Work]) -> None:
        self._files_total = len(work)
        self._all_bytes = sum(item.found.size for item in work) or 1
        with ReaderProcess() as reader:
            for item in work:
                self._read(reader, item)
                self._files += 1
                self._done_bytes += item.found.size
        self._flush()

    def _read(self, reader: ReaderProcess, item: _Work) -> None:
        """Reads one file and queues its new documents. A file that can't be read keeps what the store has of it."""
        found, counts, writer = item.found, self._counts, self._writer
        key = path_key(found.path)
        read_ns = now_ns()
        file_id = writer.begin_file(key, item.doc)
        stored = writer.parts(file_id)
        left = set(stored)
        failures: list[tuple[str, str]] = []
        self._progress(item.doc, 0)
        chars = 0
        try:
            digest = None if found.path.is_dir() else _file_digest(found.path)
            for read in self._timed_read(reader, item):
                if isinstance(read, PartFailure):
                    failures.append((read.part, read.reason))
                    left.discard(read.part)
                    continue
                left.discard(read.info.part)
                chars += len(read.text)
                self._queue(file_id, key, read, stored)
                self._progress(item.doc, min(chars, found.size))
        except (LoadError, OSError) as error:
            failures.append(("", _reason(error)))
            left.clear()
            if isinstance(error, OSError):  # may go away by itself, unlike what is in the file
                digest = None
        counts.failed += [Failure(_name(item.doc, part), reason) for part, reason in failures]
        counts.removed += len(left)

        def finish() -> None:
            writer.drop_parts(file_id, sorted(left))
            writer.finish_file(
                file_id, size=found.size, mtime_ns=found.mtime_ns, read_ns=read_ns,
                digest=digest if digest or not found.path.is_dir() else "-", version=VERSION, failures=failures,
            )  # fmt: skip

        self._pending.append(_Pending(file_id, finish=finish))

    def _timed_read(self, reader: ReaderProcess, item: _Work) -> Iterator[Document | PartFailure]:
        documents = reader.load(item.found.path, item.doc)
        while True:
            with self._counts.timed("read"):
                document = next(documents, None)
            if document is None:
                return
            yield document

    def _queue(self, file_id: int, key: bytes, document: Document, stored: dict[str, str]) -> None:
        """Queues a document for embedding unless the store has it as it is."""
        part = document.info.part
        digest = _document_digest(document)
        if stored.get(part) == digest:
            self._counts.unchanged += 1
            return
        if part in stored:
            self._counts.updated += 1
        else:
            self._counts.added += 1
        model = self._loaded()
        with self._counts.timed("chunk"):
            chunks = model.chunker.chunks(document)
        text_digest = hashlib.sha256(key + b"\0" + part.encode() + b"\0" + document.text.encode()).hexdigest()
        self._pending.append(_Pending(file_id, document, digest, text_digest[:12], chunks))
        if sum(len(pending.chunks) for pending in self._pending) >= _FLUSH_CHUNKS:
            self._flush()

    def _flush(self) -> None:
        """Embeds what is queued and stores it, document by document, in the order in which it was read."""
        pending, self._pending = self._pending, []
        texts = [text for p in pending if p.document for text in embedded_texts(p.chunks, p.document)]
        if any(item.document for item in pending):
            model = self._loaded()
            with self._counts.timed("embed"):
                vectors, digests = model.embed(texts)
        at = 0
        with self._counts.timed("store"):
            for item in pending:
                if item.finish is not None:
                    item.finish()
                elif item.document is not None:
                    mine = slice(at, at + len(item.chunks))
                    at = mine.stop
                    document = item.document
                    new = NewDocument(
                        document.info, item.ref, item.digest, dump_layout(document.blocks), document.text,
                        item.chunks, vectors[mine], digests[mine],
                    )  # fmt: skip
                    self._writer.put(item.file_id, new, model.space)
        self._embedded += len(texts)
        self._unsaved += len(texts)
        if self._unsaved >= SAVE_CHUNKS:
            with self._counts.timed("index"):
                self._save_index()

    def _loaded(self) -> Model:
        if self._model is None:
            self._tell(Progress("models"))
            with self._counts.timed("models"):
                self._model = Model(self._model_folder(None), self._writer, must_match=True)
        return self._model

    def _progress(self, doc: str, within: int) -> None:
        fraction = min(1.0, (self._done_bytes + within) / self._all_bytes)
        self._tell(Progress("index", doc, fraction, self._embedded, self._files, self._files_total))

    def _finish(self) -> None:
        """Makes the query encoder for a model that is used for the first time."""
        if self._model is not None:
            folder = self._encoder_folder(self._model.space.fingerprint)
            if not (folder / SETTINGS).exists():
                self._tell(Progress("finish", fraction=1.0, chunks=self._embedded))
                with self._counts.timed("export"):
                    export(self._model.embedder, self._model.folder, self._model.space.fingerprint, folder)

    def _save_index(self) -> None:
        self._unsaved = 0
        save_indexes(self._store)


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """The paths without those that lie inside another one."""
    resolved = {path.resolve(): path for path in paths}
    return [path for real, path in resolved.items() if not any(parent in resolved for parent in real.parents)]


def _document_digest(document: Document) -> str:
    """Changes with anything that is stored of a document, and with how it would be cut."""
    whole = [VERSION, asdict(document.info), dump_layout(document.blocks), document.text]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _doc(path: Path) -> str:
    """The path as text; bytes that are no UTF-8, as in names from old disks, as replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")


def _name(doc: str, part: str) -> str:
    return f"{doc}#{part}" if part else doc


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
