"""Opening `kb.sqlite` and reading from it. Writing is `retrieval.writer`.

A knowledge base is one folder: `kb.sqlite` (write-ahead log, the only truth), `vectors.faiss` and
`words.index` (derived) and `writer.lock`.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval import schema
from retrieval.errors import StoreError, StoreMissing, UsageError
from retrieval.types import DocumentInfo, Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DATABASE = "kb.sqlite"

# The low bytes of SQLite's result codes for a file that can't be made or written (https://sqlite.org/rescode.html).
_CANT_WRITE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN)

_INFO = 'f.doc, d.part, d.kind, d.title, d.author, d.recipients, d.date, d.message_id, d."references", d.date_from'
_FROM = "FROM documents d JOIN files f ON f.id = d.file_id"


@dataclass(frozen=True, slots=True)
class Space:
    """The embedding model behind a set of vectors: its name for people, the fingerprint of its files,
    the length of its vectors, and how many tokens it reads."""

    id: int
    name: str
    fingerprint: str
    dimensions: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it lies in the store. `layout` is the ingest's own record of its blocks."""

    id: int
    ref: str
    info: DocumentInfo
    text: str
    layout: str


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with the document it lies in and its text."""

    id: int
    document_id: int
    document_ref: str
    info: DocumentInfo
    start: int
    end: int
    heading: tuple[str, ...]
    page: int | None
    columns: str
    header: str
    text: str

    @property
    def ref(self) -> str:
        """Names the chunk's span: `document:start-end`."""
        return f"{self.document_ref}:{self.start}-{self.end}"


class Store:
    """Reads one knowledge base. Not to be shared between threads. Use as a context manager."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.connection = connection
        self._matching: tuple[tuple[Any, ...], NDArray[np.int64]] | None = None

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> "Store":
        """Opens the knowledge base in `folder`. Raises StoreMissing when there is none and `create` is
        not set, StoreError when it is damaged, of another format, or can't be made there."""
        file = folder / DATABASE
        try:
            missing = StoreMissing(f"there is no knowledge base in {folder}: make one with kb ingest PATH")
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            elif not file.exists():
                raise missing
            connection = connect(file)
            try:
                if schema.version(connection) == 0:  # none, or its making was stopped
                    if not create:
                        raise missing
                    schema.create(connection)
                schema.check(connection, str(folder))
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise StoreError(_why(error, file)) from error
        return cls(folder, connection)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside sees one state of the store, whatever a writer does meanwhile. Raises StoreError
        when the database turns out to be damaged."""
        try:
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise StoreError(_why(error, self.folder / DATABASE)) from error

    def meta(self, key: str) -> str | None:
        """A value of the `meta` table, None when not set."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def generation(self) -> int:
        """Counts the write transactions: equal generations of one store are equal contents."""
        return int(self.meta("generation") or 0)

    def space(self) -> Space | None:
        """The space that searches use; None before the first ingest."""
        active = self.meta("active_space")
        return None if active is None else self.space_by_id(int(active))

    def space_by_id(self, space_id: int) -> Space:
        """The space with that id, which must exist."""
        row = self.connection.execute("SELECT embedder FROM spaces WHERE id = ?", (space_id,)).fetchone()
        return Space(id=space_id, **json.loads(row[0]))

    def filtered(self, filters: Filters) -> tuple[str, list[Any]]:
        """A SQL condition over `documents d` and `files f`, with its parameters."""
        conditions: list[str] = ["1"]
        values: list[Any] = []
        if filters.kinds:
            conditions.append(f"d.kind IN ({', '.join('?' * len(filters.kinds))})")
            values += filters.kinds
        if filters.sender:
            conditions.append("instr(fold(d.author), fold(?)) > 0")
            values.append(filters.sender)
        if filters.after:
            conditions.append("substr(d.date, 1, 10) >= ?")
            values.append(filters.after.isoformat())
        if filters.before:
            conditions.append("substr(d.date, 1, 10) < ?")
            values.append(filters.before.isoformat())
        if filters.source:
            plain = not any(character in filters.source for character in "*?[")
            conditions.append("f.doc GLOB ?")
            values.append(f"*{filters.source}*" if plain else filters.source)
        return " AND ".join(conditions), values

    def matching(self, condition: str, values: Sequence[Any]) -> "NDArray[np.int64]":
        """The ids of the documents that meet a condition as `filtered` makes it. The last answer is kept, as both
        sides of a search ask for the same."""
        import numpy as np  # here, as `kb list` and `kb show` do without

        key = (self.generation(), condition, *values)
        if self._matching is None or self._matching[0] != key:
            joined = "documents d"
            if "f." in condition:  # the path is what few documents share, so it comes first
                joined = "files f CROSS JOIN documents d ON d.file_id = f.id"
            rows = self.connection.execute(f"SELECT d.id FROM {joined} WHERE {condition}", values)
            self._matching = key, np.array(rows.fetchall(), dtype=np.int64).reshape(-1)
        return self._matching[1]

    def owners(self, ids: Sequence[int]) -> dict[int, tuple[int, DocumentInfo, int | None]]:
        """Which document these chunks are of, what ranking needs to know of it (receivers and references are left
        out), and their page, by id; without any text."""
        rows = self.by_id(
            "SELECT c.id, d.id, c.page, f.doc, d.part, d.kind, d.title, d.author, d.date FROM chunks c "
            "JOIN documents d ON d.id = c.document_id JOIN files f ON f.id = d.file_id WHERE c.id IN ",
            ids,
        )
        infos: dict[int, DocumentInfo] = {}
        for _, document, _, doc, part, kind, title, author, date in rows:
            if document not in infos:
                infos[document] = DocumentInfo(doc, part, kind, title, author, date=date)
        return {row[0]: (row[1], infos[row[1]], row[2]) for row in rows}

    def chunks(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """The chunks with these ids, by id; ids that do not exist are left out."""
        rows = self.by_id(
            'SELECT c.id, d.id, d.ref, c.start, c."end", c.heading, c.page, c.columns, c.header, '
            f"{_INFO} FROM chunks c JOIN documents d ON d.id = c.document_id JOIN files f ON f.id = d.file_id "
            "WHERE c.id IN ",
            ids,
        )
        # Each text once, and cut here: SQLite counts its characters from the start for every chunk.
        documents = sorted({row[1] for row in rows})
        texts = dict(self.by_id("SELECT id, text FROM documents WHERE id IN ", documents))
        return {
            row[0]: StoredChunk(
                id=row[0], document_id=row[1], document_ref=row[2], start=row[3], end=row[4],
                heading=tuple(json.loads(row[5])), page=row[6], columns=row[7], header=row[8], info=_info(row[9:]),
                text=texts[row[1]][row[3] : row[4]],
            )
            for row in rows
        }  # fmt: skip

    def beginnings(self, ids: Sequence[int], length: int) -> dict[int, str]:
        """The first characters of the texts of these documents, by id."""
        return dict(self.by_id(f"SELECT id, substr(text, 1, {length}) FROM documents WHERE id IN ", ids))

    def named(self, ids: Sequence[int]) -> dict[int, tuple[str, DocumentInfo]]:
        """The refs of the documents with these ids, and what is known of them, by id."""
        rows = self.by_id(f"SELECT d.id, d.ref, {_INFO} {_FROM} WHERE d.id IN ", ids)
        return {row[0]: (row[1], _info(row[2:])) for row in rows}

    def by_id(self, query: str, ids: Sequence[int | str]) -> list[Any]:
        """The rows of a query that ends in "IN " for these ids, a thousand at a time (SQLite has a limit)."""
        rows: list[Any] = []
        for start in range(0, len(ids), 1000):
            some = ids[start : start + 1000]
            rows += self.connection.execute(f"{query}({', '.join('?' * len(some))})", list(some)).fetchall()
        return rows

    def document(self, ref: str) -> StoredDocument:
        """The document that `ref` names: its own ref, or the `doc` path of a file that is one document.
        Raises UsageError when there is none, or when the path holds many."""
        query = f"SELECT d.id, d.ref, d.text, d.layout, {_INFO} {_FROM} WHERE "
        rows = self.connection.execute(query + "d.ref = ?", (ref,)).fetchmany(2)
        if not rows:
            path = str(Path(ref))  # "./notes.md" names the same file as "notes.md"
            rows = self.connection.execute(query + "f.doc IN (?, ?)", (ref, path)).fetchmany(2)
            if len(rows) > 1:
                raise holds_many(ref)
        if not rows:
            raise holds_none(ref)
        return _document(rows[0])

    def document_by_id(self, document_id: int) -> StoredDocument:
        """The document with that id, which must exist."""
        query = f"SELECT d.id, d.ref, d.text, d.layout, {_INFO} {_FROM} WHERE d.id = ?"
        return _document(self.connection.execute(query, (document_id,)).fetchone())

    def file(self, document_id: int) -> tuple[bytes, str | None]:
        """The path of the file that the document with that id was read from, and the SHA-256 that it had then."""
        query = "SELECT f.path, f.digest FROM documents d JOIN files f ON f.id = d.file_id WHERE d.id = ?"
        path, digest = self.connection.execute(query, (document_id,)).fetchone()
        return path, digest

    def text(self, document_id: int) -> str:
        """The text of the document with that id, which must exist."""
        text: str = self.connection.execute(
            "SELECT text FROM documents WHERE id = ?", (document_id,)
        ).fetchone()[0]
        return text

    def documents(self, filters: Filters = Filters()) -> Iterator[tuple[str, DocumentInfo, int, int]]:
        """All documents by path and part: ref, info, number of chunks, number of characters."""
        condition, values = self.filtered(filters)
        query = (
            f"SELECT d.ref, (SELECT count(*) FROM chunks c WHERE c.document_id = d.id AND c.space_id = "
            f"(SELECT value FROM meta WHERE key = 'active_space')), length(d.text), {_INFO} {_FROM} "
            f"WHERE {condition} ORDER BY f.path, d.id"
        )
        for row in self.connection.execute(query, values):
            yield row[0], _info(row[3:]), row[1], row[2]

    def counts(self) -> tuple[int, int, dict[str, int]]:
        """Documents, chunks of the active space, and documents by kind."""
        one = self.connection.execute
        by_kind = dict(one("SELECT kind, count(*) FROM documents GROUP BY kind ORDER BY kind").fetchall())
        chunks = one("SELECT count(*) FROM chunks WHERE space_id = ?", (self.meta("active_space") or 0,))
        return sum(by_kind.values()), int(chunks.fetchone()[0]), by_kind

    def dates(self) -> tuple[str | None, str | None]:
        """The oldest and the newest day of a document, as YYYY-MM-DD; None where no document has a date."""
        days = "SELECT min(substr(date, 1, 10)), max(substr(date, 1, 10)) FROM documents"
        oldest, newest = self.connection.execute(days).fetchone()
        return oldest, newest

    def months(self) -> dict[str, int]:
        """Documents by the month of their date (YYYY-MM), oldest first; those without one under ""."""
        month = "coalesce(substr(date, 1, 7), '')"
        count = f"SELECT {month}, count(*) FROM documents GROUP BY 1 ORDER BY 1"
        return dict(self.connection.execute(count).fetchall())

    def failures(self) -> list[tuple[str, str]]:
        """What could not be read at its last ingest: `doc` (or `doc#part`) and why."""
        rows = self.connection.execute("SELECT doc, failures FROM files WHERE failures != '[]' ORDER BY path")
        return [
            (f"{doc}#{part}" if part else doc, reason)
            for doc, failures in rows
            for part, reason in json.loads(failures)
        ]

    def roots(self) -> list[bytes]:
        """The paths that were given to ingest."""
        return [row[0] for row in self.connection.execute("SELECT path FROM roots ORDER BY path")]


def holds_many(ref: str) -> UsageError:
    """What to say where `ref` is the path of a file with many documents."""
    return UsageError(f"{ref} holds many documents: name one by its ref (kb list --source {ref})")


def holds_none(ref: str) -> UsageError:
    """What to say where nothing has that ref."""
    return UsageError(
        f"nothing in this knowledge base has the ref {ref}: it may be of an earlier version of its "
        "document; kb list and kb search give the refs of today"
    )


def connect(file: Path) -> sqlite3.Connection:
    """A connection as all of kb uses them: explicit transactions, write-ahead log, patient with locks. Where nothing
    can be written (a full or read-only disk) it only reads."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in _CANT_WRITE or not _complete(file):
            raise
        uri = f"{file.absolute().as_uri()}?immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    # In WAL mode NORMAL cannot damage the file at a crash (https://sqlite.org/pragma.html#pragma_synchronous).
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("fold", 1, lambda text: (text or "").casefold(), deterministic=True)
    return connection


def _complete(file: Path) -> bool:
    """Whether the database can be read without its write-ahead log and the file that readers share beside it
    (https://sqlite.org/wal.html#read_only_databases)."""
    log = file.with_name(f"{file.name}-wal")
    return file.exists() and file.stat().st_size > 0 and not (log.exists() and log.stat().st_size)


def _document(row: Sequence[Any]) -> StoredDocument:
    return StoredDocument(id=row[0], ref=row[1], text=row[2], layout=row[3], info=_info(row[4:]))


def _info(row: Sequence[Any]) -> DocumentInfo:
    return DocumentInfo(
        doc=row[0], part=row[1], kind=row[2], title=row[3], author=row[4],
        recipients=_names(row[5]), date=row[6], message_id=row[7], references=_names(row[8]), date_from=row[9],
    )  # fmt: skip


def _names(stored: str) -> tuple[str, ...]:
    """A JSON list; most are empty, and a search reads hundreds."""
    return () if stored == "[]" else tuple(json.loads(stored))


def _why(error: Exception, file: Path) -> str:
    if any(sign in str(error) for sign in ("not a database", "malformed")):
        return f"{file} is damaged or no knowledge base: move it away and ingest again"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (
        f"the knowledge base in {file.parent} can't be opened ({reason}): free some space, or check the folder and "
        "its permissions"
    )
