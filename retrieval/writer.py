"""Writing to a knowledge base: one writer at a time, one transaction a document.

Killing the process at any instant leaves whole documents only: SQLite rolls back the open transaction,
the kernel frees the lock, and the derived indexes are caught up by whoever opens them next.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from retrieval import schema
from retrieval.errors import StoreError
from retrieval.lock import locked
from retrieval.rows import add_chunks, drop_chunks, drop_document, drop_rows, join_thread, leave_thread
from retrieval.store import Space, Store
from retrieval.types import Chunk, DocumentInfo


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as the store last saw it. `digest` is None until all of it has been stored once."""

    id: int
    doc: str
    size: int | None
    mtime_ns: int | None
    read_ns: int | None
    digest: str | None
    version: str | None
    failures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """All that is stored of a document. `vectors` is float32 (chunks, dimensions), unit length; `digests` those
    of the texts that they are of (`text_digest`), without which they are not found again."""

    info: DocumentInfo
    ref: str
    digest: str
    layout: str
    text: str
    chunks: Sequence[Chunk]
    vectors: NDArray[np.float32]
    digests: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """A message whose quotes were looked up: the ids of chunks that go, and the chunks that come."""

    document_id: int
    gone: Sequence[int]
    chunks: Sequence[Chunk]


class Writer:
    """The one writer of a store; made by `writing`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._connection = store.connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:  # SQLite has rolled back by itself when the disk is full
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(
                    f"{self.store.folder} can't be written to ({error}): free some space or check its "
                    "permissions, then run the same command again; what was stored before is kept"
                ) from error
            raise

    def add_space(self, name: str, fingerprint: str, dimensions: int, max_tokens: int) -> Space:
        """The space for that embedder: the one that exists, or a new one. The first becomes active."""
        embedder = json.dumps(
            {"name": name, "fingerprint": fingerprint, "dimensions": dimensions, "max_tokens": max_tokens}
        )
        with self._transaction() as connection:
            schema.add_digests(connection)
            row = connection.execute("SELECT id FROM spaces WHERE embedder = ?", (embedder,)).fetchone()
            if row is None:
                row = connection.execute(
                    "INSERT INTO spaces (embedder) VALUES (?) RETURNING id", (embedder,)
                ).fetchone()
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('active_space', ?)", (str(row[0]),))
        return self.store.space_by_id(row[0])

    def known_vectors(self, digests: Iterable[int], space: Space) -> dict[int, NDArray[np.float16]]:
        """The vectors in `space` of the embedded texts with these digests, as far as there are any."""
        found: dict[int, NDArray[np.float16]] = {}
        for digest in digests:  # one by one: thousands of chunks may have the same text
            row = self._connection.execute(
                "SELECT v.vector FROM vectors v CROSS JOIN chunks c ON c.id = v.chunk_id "
                "WHERE v.digest = ? AND c.space_id = ? LIMIT 1",
                (digest, space.id),
            ).fetchone()
            if row is not None:
                found[digest] = np.frombuffer(row[0], dtype=np.float16)
        return found

    def files_below(self, root: bytes) -> dict[bytes, FileState]:
        """The files stored from `root` (itself, or anything in that folder), by absolute path."""
        rows = self._connection.execute(
            "SELECT path, id, doc, size, mtime_ns, read_ns, digest, version, failures FROM files "
            "WHERE path = ? OR (path > ? AND path < ?)",
            (root, root.rstrip(b"/") + b"/", root.rstrip(b"/") + b"0"),  # "0" follows "/" in ASCII
        )
        return {
            row[0]: FileState(*(*row[1:8], tuple((part, reason) for part, reason in json.loads(row[8]))))
            for row in rows
        }

    def add_root(self, root: bytes) -> None:
        """Remembers that `root` was ingested."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO roots VALUES (?)", (root,))

    def begin_file(self, path: bytes, doc: str) -> int:
        """The id of the file's row, made when new. Its digest is cleared: it is not complete."""
        with self._transaction() as connection:
            row = connection.execute(
                "INSERT INTO files (path, doc) VALUES (?, ?) "
                "ON CONFLICT (path) DO UPDATE SET digest = NULL RETURNING id",
                (path, doc),
            ).fetchone()
        file_id: int = row[0]
        return file_id

    def parts(self, file_id: int) -> dict[str, str]:
        """The digests of the file's stored documents, by part."""
        return dict(
            self._connection.execute("SELECT part, digest FROM documents WHERE file_id = ?", (file_id,))
        )

    def put(self, file_id: int, document: NewDocument, space: Space) -> None:
        """Stores a document in place of the one with its part, if any, in one transaction."""
        info = document.info
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT id FROM documents WHERE file_id = ? AND part = ?", (file_id, info.part)
            ).fetchone()
            if row is not None:
                drop_chunks(connection, row[0])
                leave_thread(connection, row[0])
            document_id: int = connection.execute(
                "INSERT INTO documents (file_id, part, ref, digest, kind, title, author, recipients, date, "
                'message_id, "references", date_from, layout, text) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (file_id, part) DO UPDATE SET ref = excluded.ref, digest = excluded.digest, "
                "kind = excluded.kind, title = excluded.title, author = excluded.author, "
                "recipients = excluded.recipients, date = excluded.date, message_id = excluded.message_id, "
                '"references" = excluded."references", date_from = excluded.date_from, '
                "layout = excluded.layout, text = excluded.text RETURNING id",
                (
                    file_id, info.part, document.ref, document.digest, info.kind, info.title, info.author,
                    json.dumps(info.recipients), info.date, info.message_id, json.dumps(info.references),
                    info.date_from, document.layout, document.text,
                ),
            ).fetchone()[0]  # fmt: skip
            add_chunks(connection, document_id, space, document.chunks, document.vectors, document.digests)
            if info.is_message:
                join_thread(connection, document_id, info)

    def unsettled(self) -> list[int]:
        """The ids of the messages with quotes that must be looked up: they, or messages that they may quote, came or
        went since `all_settled`."""
        rows = self._connection.execute(
            "SELECT DISTINCT d.id FROM documents d JOIN thread_keys k ON k.document_id = d.id "
            "WHERE k.key IN (SELECT key FROM unsettled) AND instr(d.layout, '\"quote\"') ORDER BY d.id"
        )
        return [row[0] for row in rows]

    def all_settled(self) -> None:
        """Notes that all quotes were looked up."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM unsettled")

    def settle(
        self, settled: Sequence[Settled], space: Space, vectors: NDArray[np.float32], digests: Sequence[int]
    ) -> None:
        """Exchanges chunks of messages, in one transaction. `vectors` and `digests` are those of their new chunks, in
        order."""
        at = 0
        with self._transaction() as connection:
            for item in settled:
                for chunk_id in item.gone:
                    connection.execute("INSERT OR IGNORE INTO removals VALUES (?)", (chunk_id,))
                    drop_rows(connection, "id = ?", chunk_id)
                mine = slice(at, at + len(item.chunks))
                at += len(item.chunks)
                add_chunks(connection, item.document_id, space, item.chunks, vectors[mine], digests[mine])

    def put_chunks(
        self, document_id: int, space: Space, chunks: Sequence[Chunk], vectors: NDArray[np.float32],
        digests: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Adds a document's chunks in another space, beside the ones it has (a re-index)."""
        with self._transaction() as connection:
            add_chunks(connection, document_id, space, chunks, vectors, digests)

    def drop_parts(self, file_id: int, parts: Iterable[str]) -> None:
        """Removes documents that are no longer in their file."""
        for part in parts:
            with self._transaction() as connection:
                row = connection.execute(
                    "SELECT id FROM documents WHERE file_id = ? AND part = ?", (file_id, part)
                ).fetchone()
                drop_document(connection, row[0])

    def finish_file(
        self, file_id: int, *, size: int, mtime_ns: int, read_ns: int, digest: str | None, version: str,
        failures: Sequence[tuple[str, str]] = (),
    ) -> None:  # fmt: skip
        """Notes that all of the file has been read as it was at `read_ns`. With `digest` None it is read
        again next time."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE files SET size = ?, mtime_ns = ?, read_ns = ?, digest = ?, version = ?, failures = ? "
                "WHERE id = ?",
                (size, mtime_ns, read_ns, digest, version, json.dumps(failures), file_id),
            )

    def remove_file(self, file_id: int) -> int:
        """Removes a file with its documents; returns how many documents that were."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT id FROM documents WHERE file_id = ?", (file_id,)).fetchall()
            for (document_id,) in rows:
                drop_document(connection, document_id)
            connection.execute("DELETE FROM files WHERE id = ?", (file_id,))
        return len(rows)

    def remove_document(self, document_id: int) -> None:
        """Removes one document, and its file's row when it was the last of it."""
        with self._transaction() as connection:
            file_id = connection.execute(
                "SELECT file_id FROM documents WHERE id = ?", (document_id,)
            ).fetchone()[0]
            drop_document(connection, document_id)
            connection.execute(
                "DELETE FROM files WHERE id = ? AND NOT EXISTS (SELECT 1 FROM documents WHERE file_id = ?)",
                (file_id, file_id),
            )

    def unindexed(self, space: Space) -> list[str]:
        """Refs of the documents that have no chunks in `space` yet though they have in the active one."""
        return [
            row[0]
            for row in self._connection.execute(
                "SELECT d.ref FROM documents d WHERE NOT EXISTS "
                "(SELECT 1 FROM chunks c WHERE c.document_id = d.id AND c.space_id = ?) AND EXISTS "
                "(SELECT 1 FROM chunks c WHERE c.document_id = d.id)",
                (space.id,),
            )
        ]

    def activate(self, space: Space) -> None:
        """Makes `space` the one that searches use and drops all others, in one transaction."""
        with self._transaction() as connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'active_space'", (str(space.id),))
            drop_rows(connection, "space_id != ?", space.id)
            connection.execute("DELETE FROM spaces WHERE id != ?", (space.id,))

    def note_ingest(self) -> None:
        """Records the time at which an ingest was completed."""
        with self._transaction() as connection:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('last_ingest', ?)", (now,))


@contextmanager
def writing(store: Store) -> Iterator[Writer]:
    """Holds the writer's lock; see `locked` for what it raises."""
    with locked(store.folder):
        yield Writer(store)


def text_digest(text: str) -> int:
    """Stands for a text that is embedded: 64 bits of its SHA-256, signed as SQLite's integers are. Among a million
    texts, two have the same one with a chance of 3 in 100 million."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def now_ns() -> int:
    """The clock that `read_ns` and a file's `mtime_ns` are compared on."""
    return time.time_ns()
