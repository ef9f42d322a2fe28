"""The conversations with a knowledge base, kept in `chats.sqlite` in its folder: apart from the documents, so that
neither an ingest nor a re-index touches them. The file is its owner's alone (mode 0600)."""

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retrieval.errors import StoreError, UsageError
from retrieval.store import connect

CHATS = "chats.sqlite"
_VERSION = 1
_TABLES = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS chats (id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
        asked TEXT NOT NULL,
        question TEXT NOT NULL,
        status TEXT NOT NULL,
        answer TEXT NOT NULL,
        sources TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS turns_chat ON turns (chat_id);
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer cites: the number of its mark, the ref that opens it, where it is from, and the exact quote."""

    n: int
    ref: str
    origin: str
    quote: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer as it was shown. `status` as in `generation.types.Answer`."""

    question: str
    status: str
    answer: str
    sources: tuple[Source, ...]

    def to_json(self) -> dict[str, Any]:
        """The exchange as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A conversation in the list: when it began (ISO 8601, UTC), its first question, its number of questions."""

    id: int
    started: str
    question: str
    turns: int

    def to_json(self) -> dict[str, Any]:
        """The summary as JSON."""
        return asdict(self)


class Chats:
    """The conversations of one knowledge base. Use as a context manager, from one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, folder: Path) -> "Chats":
        """Opens the file in a knowledge base's folder, or makes it. Raises StoreError."""
        file = folder / CHATS
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            connection = connect(file)
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    connection.executescript(_TABLES)
                elif version != _VERSION:
                    raise StoreError(
                        f"{file} was written by another version of kb: move it away to begin anew"
                    )
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StoreError(
                f"the conversations in {file} can't be opened ({reason}): check its permissions and the free space, "
                "or move it away if it is damaged"
            ) from error
        return cls(connection)

    def __enter__(self) -> "Chats":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def add(self, chat: int | None, exchange: Exchange) -> int:
        """Stores an exchange at the end of a conversation (None, or one that was removed: a new one) and returns the
        conversation's id."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sources = json.dumps([asdict(source) for source in exchange.sources], ensure_ascii=False)
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            if chat is None or not execute("SELECT 1 FROM chats WHERE id = ?", (chat,)).fetchone():
                chat = int(execute("INSERT INTO chats (started) VALUES (?)", (now,)).lastrowid or 0)
            execute(
                "INSERT INTO turns (chat_id, asked, question, status, answer, sources) VALUES (?, ?, ?, ?, ?, ?)",
                (chat, now, exchange.question, exchange.status, exchange.answer, sources),
            )
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        return chat

    def latest(self) -> int | None:
        """The id of the conversation that was last added to."""
        row = self._connection.execute("SELECT chat_id FROM turns ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def summaries(self) -> list[ChatSummary]:
        """All conversations, the one that was last added to first."""
        rows = self._connection.execute(
            "SELECT c.id, c.started, t.question, c.turns FROM turns t "
            "JOIN (SELECT c.id, c.started, min(t.id) AS first, max(t.id) AS last, count(*) AS turns "
            "FROM chats c JOIN turns t ON t.chat_id = c.id GROUP BY c.id) c "
            "ON t.id = c.first ORDER BY c.last DESC"
        )
        return [ChatSummary(*row) for row in rows]

    def read(self, chat: int) -> list[Exchange]:
        """What was said in a conversation, in order. Raises UsageError when there is none with that id."""
        rows = self._connection.execute(
            "SELECT question, status, answer, sources FROM turns WHERE chat_id = ? ORDER BY id", (chat,)
        ).fetchall()
        if not rows:
            raise _none_such(chat)
        return [
            Exchange(question, status, answer, tuple(Source(**source) for source in json.loads(sources)))
            for question, status, answer, sources in rows
        ]

    def remove(self, chats: Sequence[int]) -> None:
        """Forgets conversations for good. Raises UsageError, and forgets none, when one of them is not there."""
        execute = self._connection.execute
        # What is deleted must not stay readable in the file's free pages.
        execute("PRAGMA secure_delete = ON")
        execute("BEGIN IMMEDIATE")
        try:
            for chat in chats:
                if not execute("DELETE FROM chats WHERE id = ?", (chat,)).rowcount:
                    raise _none_such(chat)
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _none_such(chat: int) -> UsageError:
    return UsageError(f"there is no conversation {chat}: kb history lists them")
