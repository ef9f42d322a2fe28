"""The tables of `kb.sqlite`, the only truth of a knowledge base.

* `files`      a file on disk as last read: what tells whether it changed, and what in it failed
* `documents`  one text each; a file holds one or many (a mailbox)
* `spaces`     the embedding models that vectors come from; one is active, a second exists only during a re-index
* `chunks`     spans of documents, per space; `vectors` their embeddings as float16, found again by the digest of
               the text that was embedded
* `fts`        the words of the chunks (FTS5 over the view `chunk_texts`, so no text is stored twice)
* `thread_keys` the Message-IDs that a message has and names, and its subject where it names none (`retrieval.threads`)
* `unsettled`  keys of messages that came or went: what messages with these quote must be looked up (`ingest.quoted`)
* `removals`   ids of chunks that went since the derived indexes were saved, so that none need compare all ids
* `meta`       `store_id`, `generation` (counts write transactions), `active_space`, `last_ingest`, the stamp of each
               derived file as last saved (`retrieval.frames`)
"""

import sqlite3
import uuid

from retrieval.errors import StoreError

SCHEMA_VERSION = 3

# Porter stems so that "launched" finds "launch"; diacritics folded so that "resume" finds "résumé".
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,
    doc TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, read_ns INTEGER, digest TEXT, version TEXT,
    failures TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL REFERENCES files (id),
    part TEXT NOT NULL,
    ref TEXT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    author TEXT,
    recipients TEXT NOT NULL,
    date TEXT,
    message_id TEXT,
    "references" TEXT NOT NULL,
    date_from TEXT,
    layout TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (file_id, part)
);
CREATE INDEX documents_ref ON documents (ref);
CREATE INDEX documents_facts ON documents (kind, date, author, file_id);
CREATE TABLE thread_keys (
    key TEXT NOT NULL,
    document_id INTEGER NOT NULL REFERENCES documents (id),
    PRIMARY KEY (key, document_id)
) WITHOUT ROWID;
CREATE INDEX thread_keys_document ON thread_keys (document_id);
CREATE TABLE unsettled (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE spaces (id INTEGER PRIMARY KEY AUTOINCREMENT, embedder TEXT NOT NULL);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents (id),
    space_id INTEGER NOT NULL REFERENCES spaces (id),
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    header TEXT NOT NULL,
    heading TEXT NOT NULL,
    page INTEGER,
    columns TEXT NOT NULL
);
CREATE INDEX chunks_document ON chunks (document_id, space_id);
CREATE TABLE removals (chunk_id INTEGER PRIMARY KEY);
CREATE TABLE vectors (chunk_id INTEGER PRIMARY KEY REFERENCES chunks (id), vector BLOB NOT NULL, digest INTEGER);
CREATE INDEX vectors_digest ON vectors (digest);
CREATE VIEW chunk_texts AS
    SELECT c.id AS id, c.header AS header, substr(d.text, c.start + 1, c."end" - c.start) AS body
    FROM chunks c JOIN documents d ON d.id = c.document_id;
CREATE VIRTUAL TABLE fts USING fts5(
    header, body, content='chunk_texts', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
"""


def create(connection: sqlite3.Connection) -> None:
    """Makes the tables in an empty database, in one transaction, so that a killed creation leaves none."""
    script = f"""
        BEGIN IMMEDIATE;
        {_TABLES}
        INSERT INTO meta VALUES ('store_id', '{uuid.uuid4().hex}'), ('generation', '0');
        PRAGMA user_version = {SCHEMA_VERSION};
        COMMIT;
    """
    connection.executescript(script)


def add_digests(connection: sqlite3.Connection) -> None:
    """Adds the digests of embedded texts, unknown yet, to a database that was made before there were any."""
    if "digest" not in {row[1] for row in connection.execute("PRAGMA table_info(vectors)")}:
        connection.execute("ALTER TABLE vectors ADD COLUMN digest INTEGER")
        connection.execute("CREATE INDEX vectors_digest ON vectors (digest)")


def version(connection: sqlite3.Connection) -> int:
    """The schema version of the database; 0 for an empty one."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def check(connection: sqlite3.Connection, place: str) -> None:
    """Raises StoreError when the database was made by another version of kb."""
    found = version(connection)
    if found != SCHEMA_VERSION:
        raise StoreError(
            f"the knowledge base in {place} has format {found}, this kb reads format {SCHEMA_VERSION}: "
            "ingest your documents into a new folder with --kb"
        )
