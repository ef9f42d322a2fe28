"""Rows of several tables that come and go together: a chunk with its words and its vector, a message with the keys of
its thread. To be called within a transaction of the writer."""

import json
import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.store import Space
from retrieval.threads import thread_keys
from retrieval.types import Chunk, DocumentInfo


def add_chunks(
    connection: sqlite3.Connection, document_id: int, space: Space, chunks: Sequence[Chunk],
    vectors: NDArray[np.float32], digests: Sequence[int],
) -> None:  # fmt: skip
    """Adds chunks of a document with their words and vectors."""
    halves = vectors.astype(np.float16)
    known: Sequence[int | None] = digests or [None] * len(chunks)
    for chunk, vector, digest in zip(chunks, halves, known, strict=True):
        chunk_id = connection.execute(
            'INSERT INTO chunks (document_id, space_id, start, "end", header, heading, page, columns) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                document_id,
                space.id,
                chunk.start,
                chunk.end,
                chunk.header,
                json.dumps(chunk.heading),
                chunk.page,
                chunk.columns,
            ),
        ).fetchone()[0]
        connection.execute("INSERT INTO vectors VALUES (?, ?, ?)", (chunk_id, vector.tobytes(), digest))
        connection.execute(
            "INSERT INTO fts (rowid, header, body) SELECT id, header, body FROM chunk_texts WHERE id = ?",
            (chunk_id,),
        )


def join_thread(connection: sqlite3.Connection, document_id: int, info: DocumentInfo) -> None:
    """Notes the keys that tie a message to its thread, and that quotes of them must be looked up."""
    keys = thread_keys(info)
    connection.executemany(
        "INSERT OR IGNORE INTO thread_keys VALUES (?, ?)", ((key, document_id) for key in keys)
    )
    connection.executemany("INSERT OR IGNORE INTO unsettled VALUES (?)", ((key,) for key in keys))


def leave_thread(connection: sqlite3.Connection, document_id: int) -> None:
    """Forgets a message's keys; quotes of it must be looked up."""
    connection.execute(
        "INSERT OR IGNORE INTO unsettled SELECT key FROM thread_keys WHERE document_id = ?", (document_id,)
    )
    connection.execute("DELETE FROM thread_keys WHERE document_id = ?", (document_id,))


def drop_document(connection: sqlite3.Connection, document_id: int) -> None:
    """Deletes a document with all that belongs to it."""
    drop_chunks(connection, document_id)
    leave_thread(connection, document_id)
    connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))


def drop_chunks(connection: sqlite3.Connection, document_id: int) -> None:
    """Deletes a document's chunks in all spaces, and notes it for the derived indexes."""
    connection.execute(
        "INSERT OR IGNORE INTO removals SELECT id FROM chunks WHERE document_id = ?", (document_id,)
    )
    drop_rows(connection, "document_id = ?", document_id)


def drop_rows(connection: sqlite3.Connection, condition: str, value: int) -> None:
    """Deletes chunks with their words and vectors. FTS5 must be told the words of what it forgets
    (https://sqlite.org/fts5.html#external_content_tables), so this comes before any change of the text."""
    chosen = f"SELECT id FROM chunks WHERE {condition}"
    connection.execute(
        "INSERT INTO fts (fts, rowid, header, body) "
        f"SELECT 'delete', id, header, body FROM chunk_texts WHERE id IN ({chosen})",
        (value,),
    )
    connection.execute(f"DELETE FROM vectors WHERE chunk_id IN ({chosen})", (value,))
    connection.execute(f"DELETE FROM chunks WHERE {condition}", (value,))
