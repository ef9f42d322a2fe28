"""The way of the data into the index: walk, read, chunk, embed, store; and only what changed.

The documents of a changed file are compared one by one, so that a mailbox that grew by a message embeds one message.
Each document is one transaction, and a file counts as done only after its last one: a killed ingest goes on where it
was.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ingest.batches import Batches
from ingest.chunker import embedded_texts
from ingest.document import Document, PartFailure, dump_layout, load_layout
from ingest.embedder import ModelFolder
from ingest.export import export
from ingest.model import Model
from ingest.quoted import quote_chunks, settle
from ingest.readers import FileRead, Readers
from ingest.report import Failure, IngestReport, Progress, Tally, part_name
from ingest.scan import VERSION, Scan, Work, outermost, path_key
from ingest.walk import require
from retrieval.encoder import SETTINGS
from retrieval.errors import LoadError
from retrieval.indexes import save_indexes
from retrieval.writer import Writer

# Chunks after which the derived indexes are saved, so that searches have little to take in by themselves meanwhile.
SAVE_CHUNKS = 2048
_CHANGED = "it changed while it was read: what was read is kept, and the next ingest reads it again"


class Ingest:
    """One run of an ingest, or of a re-index, by the holder of the writer's lock. To be closed."""

    def __init__(
        self, writer: Writer, model_folder: Callable[[str | None], ModelFolder],
        encoder_folder: Callable[[str], Path], on_progress: Callable[[Progress], None] | None = None,
    ) -> None:  # fmt: skip
        self._writer = writer
        self._store = writer.store
        self._model_folder = model_folder
        self._encoder_folder = encoder_folder
        self._tell = on_progress or (lambda progress: None)
        self._tally = Tally()
        self._model: Model | None = None
        self._doc = ""
        self._within = self._done_bytes = self._all_bytes = 0
        self._embedded = self._unsaved = self._files = self._files_total = 0

    def close(self) -> None:
        """Frees the embedding model, also in the midst of its work."""
        if self._model is not None:
            self._model.close()

    def run(self, paths: Sequence[Path], *, prune: bool | None, dry_run: bool) -> IngestReport:
        """Brings the index up to date with the files in `paths`; see `KnowledgeBase.ingest`."""
        started = time.perf_counter()
        tally = self._tally
        require(paths)
        scan = Scan(self._writer, tally, prune=prune, dry_run=dry_run)
        with tally.timed("scan"):
            for path in outermost(paths):
                self._tell(Progress("scan", str(path)))
                scan.add(path)
        if dry_run:
            tally.added = sum(1 for item in scan.work if item.state is None)
            tally.updated = len(scan.work) - tally.added
        else:
            self._bring_in(scan)
        documents, chunks, _ = self._store.counts()
        return tally.report(documents, chunks, time.perf_counter() - started)

    def reindex(self, embedder: str | None) -> int:
        """Embeds all stored documents with `embedder` and makes its vectors the ones in use."""
        self._model = model = Model(self._model_folder(embedder), self._writer, must_match=False)
        for done, ref in enumerate(refs := self._writer.unindexed(model.space)):
            self._tell(Progress("index", ref, done / len(refs), self._embedded, done, len(refs)))
            stored = self._store.document(ref)
            document = Document(stored.info, stored.text, load_layout(stored.layout))
            chunks = model.chunker.chunks(document) + quote_chunks(self._store, stored, model.chunker)
            vectors, digests = model.embed(embedded_texts(chunks, document))
            self._writer.put_chunks(stored.id, model.space, chunks, vectors, digests)
            self._embedded += len(chunks)
        self._make_encoder()
        self._writer.activate(model.space)
        self._save_indexes()
        return self._store.counts()[1]

    def _bring_in(self, scan: Scan) -> None:
        """Reads what must be read and removes what is gone."""
        if scan.work:
            self._read_all(scan.work)
        for state in scan.vanished:
            self._writer.remove_file(state.id)
        with self._tally.timed("quotes"):
            self._embedded += settle(self._writer, self._loaded)
        self._make_encoder()
        self._writer.note_ingest()
        self._save_indexes()

    def _read_all(self, work: Sequence[Work]) -> None:
        self._files_total = len(work)
        self._all_bytes = sum(item.found.size for item in work) or 1
        batches = Batches(self._writer, self._loaded, self._tally, self._stored)
        with Readers([(item.found.path, item.doc) for item in work]) as readers:
            for item, file in zip(work, readers, strict=True):
                self._read(item, file, batches)
                self._files += 1
                self._within, self._done_bytes = 0, self._done_bytes + item.found.size
            batches.finish()

    def _read(self, item: Work, file: FileRead, batches: Batches) -> None:
        """Takes what is new in a file. One that can't be read keeps what the store has of it."""
        tally, found = self._tally, item.found
        key = path_key(found.path)
        file_id = self._writer.begin_file(key, item.doc)
        stored = self._writer.parts(file_id)
        left = set(stored)
        failures: list[tuple[str, str]] = []
        lasting = True
        self._doc = item.doc
        self._progress()
        documents = iter(file)
        try:
            while (read := self._next(documents)) is not None:
                if isinstance(read, PartFailure):
                    failures.append((read.part, read.reason))
                    left.discard(read.part)
                    continue
                part, digest = read.info.part, _digest(read)
                left.discard(part)
                self._within = min(self._within + len(read.text), found.size)
                if stored.get(part) == digest:
                    tally.unchanged += 1
                else:
                    tally.updated += part in stored
                    tally.added += part not in stored
                    batches.add(file_id, key, read, digest)
                self._progress()
        except (LoadError, OSError) as error:
            failures.append(("", _reason(error)))
            left.clear()
            lasting = not isinstance(
                error, OSError
            )  # which may go away by itself, unlike what is in the file
        if file.changed:
            failures.append(("", _CHANGED))
            lasting = False
        tally.failed += [Failure(part_name(item.doc, part), reason) for part, reason in failures]
        tally.removed += len(left)
        batches.then(partial(self._finish_file, file_id, item, file, sorted(left), failures, lasting=lasting))

    def _next(self, documents: Iterator[Document | PartFailure]) -> Document | PartFailure | None:
        with self._tally.timed("read"):
            return next(documents, None)

    def _finish_file(
        self, file_id: int, item: Work, file: FileRead, left: Sequence[str], failures: Sequence[tuple[str, str]], *,
        lasting: bool,
    ) -> None:  # fmt: skip
        """Notes that a file is done, once all of its documents are stored."""
        self._writer.drop_parts(file_id, left)
        self._writer.finish_file(
            file_id, size=item.found.size, mtime_ns=item.found.mtime_ns, read_ns=file.read_ns,
            digest=(file.digest or "-") if lasting else None, version=VERSION, failures=failures,
        )  # fmt: skip

    def _stored(self, chunks: int) -> None:
        """Counts chunks that were stored."""
        self._embedded += chunks
        self._unsaved += chunks
        self._progress()
        if self._unsaved >= SAVE_CHUNKS:
            self._save_indexes()

    def _loaded(self) -> Model:
        if self._model is None:
            self._tell(Progress("models"))
            with self._tally.timed("models"):
                self._model = Model(self._model_folder(None), self._writer, must_match=True)
        return self._model

    def _progress(self) -> None:
        fraction = min(1.0, (self._done_bytes + self._within) / self._all_bytes)
        self._tell(Progress("index", self._doc, fraction, self._embedded, self._files, self._files_total))

    def _make_encoder(self) -> None:
        """Makes the query encoder for a model that is used for the first time."""
        if self._model is not None:
            folder = self._encoder_folder(self._model.space.fingerprint)
            if not (folder / SETTINGS).exists():
                self._tell(Progress("finish", fraction=1.0, chunks=self._embedded))
                with self._tally.timed("export"):
                    export(self._model.embedder, self._model.folder, self._model.space.fingerprint, folder)

    def _save_indexes(self) -> None:
        self._unsaved = 0
        with self._tally.timed("index"):
            save_indexes(self._store)


def _digest(document: Document) -> str:
    """Changes with anything that is stored of a document, and with how it would be cut."""
    whole = [VERSION, asdict(document.info), dump_layout(document.blocks), document.text]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
