"""Documents on their way from a reader into the store: cut, embedded many at a time, stored one by one.

While the embedder works on a batch, the one before it is stored and the next one is read and cut. Documents are
stored in the order in which they came, so that a killed ingest has all of the first files and none of the last.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.chunker import embedded_texts
from ingest.document import Document, dump_layout
from ingest.model import Embedding, Model
from ingest.report import Tally
from retrieval.types import Chunk
from retrieval.writer import NewDocument, Writer

# Chunks that are embedded together: enough to sort by length and fill the embedder's batches, few enough that a killed
# ingest loses some seconds only.
BATCH_CHUNKS = 256
# Documents and ends of files that wait together: those of messages that are all quotes, say, which have no chunks.
_BATCH_ITEMS = 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A document that waits for its vectors."""

    file_id: int
    document: Document
    digest: str
    ref: str
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is being embedded, and what is to be done once it and all before it is stored."""

    model: Model
    embedding: Embedding
    items: Sequence[_Waiting | Callable[[], None]]


class Batches:
    """Takes documents, and stores them with their vectors. `loaded` gives the embedding model when it is needed,
    `stored` is told how many chunks were."""

    def __init__(
        self, writer: Writer, loaded: Callable[[], Model], tally: Tally, stored: Callable[[int], None]
    ) -> None:
        self._writer = writer
        self._loaded = loaded
        self._tally = tally
        self._stored = stored
        self._items: list[_Waiting | Callable[[], None]] = []
        self._chunks = 0
        self._sent: _Sent | None = None

    def add(self, file_id: int, key: bytes, document: Document, digest: str) -> None:
        """Takes a document of a file; `key` identifies the file, `digest` all that is stored of the document."""
        model = self._loaded()
        with self._tally.timed("chunk"):
            chunks = model.chunker.chunks(document)
        whole = key + b"\0" + document.info.part.encode() + b"\0" + document.text.encode()
        ref = hashlib.sha256(whole).hexdigest()[:12]
        self._items.append(_Waiting(file_id, document, digest, ref, chunks))
        self._chunks += len(chunks)
        if self._chunks >= BATCH_CHUNKS or len(self._items) >= _BATCH_ITEMS:
            self._send()

    def then(self, action: Callable[[], None]) -> None:
        """Does something once all documents so far are stored."""
        if self._items or self._sent:
            self._items.append(action)
        else:
            action()

    def finish(self) -> None:
        """Stores what was taken."""
        self._send()
        self._store()

    def _send(self) -> None:
        """Has what has gathered embedded, and stores what was sent before it."""
        items, self._items, self._chunks = self._items, [], 0
        documents = [item for item in items if isinstance(item, _Waiting)]
        if not documents:
            self._store()
            for action in items:
                assert not isinstance(action, _Waiting)
                action()
            return
        model = self._loaded()
        texts = [text for item in documents for text in embedded_texts(item.chunks, item.document)]
        sent = _Sent(model, model.begin(texts), items)
        self._store()
        self._sent = sent

    def _store(self) -> None:
        """Stores what was sent, document by document."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        with self._tally.timed("embed"):
            vectors = sent.model.vectors(sent.embedding)
        at = 0
        with self._tally.timed("store"):
            for item in sent.items:
                if not isinstance(item, _Waiting):
                    item()
                    continue
                document, mine = item.document, slice(at, at + len(item.chunks))
                at = mine.stop
                new = NewDocument(
                    document.info, item.ref, item.digest, dump_layout(document.blocks), document.text, item.chunks,
                    vectors[mine], sent.embedding.digests[mine],
                )  # fmt: skip
                self._writer.put(item.file_id, new, sent.model.space)
        self._stored(at)
