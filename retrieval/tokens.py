"""The words of texts as SQLite's full-text index sees them: its own tokenizer, asked by way of a small index in memory.

SQLite does not let a program call a tokenizer. It does list the words of an index (`fts5vocab`), so texts go into an
index that is made like the store's, columns and tokenizer and all, but holds nothing else.
"""

import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.store import Store

# No word of one column follows one of another.
_COLUMN_GAP = 1_000_000


@dataclass(frozen=True, slots=True)
class Counted:
    """How often each word stands in each text: `terms` ascend; the entries of term `i` are `ends[i - 1]` to
    `ends[i]`, each with its text (`texts`, ascending) and its `counts` by column, uint8 (columns, entries), 255 for
    more."""

    terms: list[bytes]
    ends: NDArray[np.int64]
    texts: NDArray[np.int64]
    counts: NDArray[np.uint8]
    lengths: NDArray[np.uint32]  # words in each text, all columns together


class Tokenizer:
    """Splits texts as the full-text index of a store does. Not to be shared between threads."""

    def __init__(self, store: Store) -> None:
        sql: str = store.connection.execute("SELECT sql FROM sqlite_master WHERE name = 'fts'").fetchone()[0]
        # Without its content: external content would be looked up, stored content would be kept.
        bare = re.sub(r",\s*content(_rowid)?\s*=\s*('[^']*'|\w+)", "", sql, flags=re.IGNORECASE)
        make = re.sub(r"\)\s*$", ", content='')", bare)
        self.columns = [row[1] for row in store.connection.execute("PRAGMA table_info(fts)")]
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.execute(make)
        self._connection.execute("CREATE VIRTUAL TABLE words USING fts5vocab(fts, instance)")

    def _clear(self) -> None:
        self._connection.execute("INSERT INTO fts (fts) VALUES ('delete-all')")

    def words(self, texts: Sequence[str]) -> list[list[bytes]]:
        """The words of each short text, in order."""
        self._insert([(text, *[""] * (len(self.columns) - 1)) for text in texts])
        found: list[list[bytes]] = [[] for _ in texts]
        rows = self._connection.execute("SELECT doc, term FROM words ORDER BY doc, offset").fetchall()
        for text, term in rows:
            found[text].append(term.encode())
        self._clear()
        return found

    def places(
        self, texts: Sequence[Sequence[str]], terms: Collection[bytes]
    ) -> list[dict[bytes, list[int]]]:
        """Where some terms stand in texts that are given column by column: for each text, each term's places, counted
        in words, those of a later column far behind those of the one before."""
        self._insert(texts)
        columns = {name: number * _COLUMN_GAP for number, name in enumerate(self.columns)}
        marks = ", ".join("?" * len(terms))
        rows = self._connection.execute(
            f"SELECT doc, term, col, offset FROM words WHERE term IN ({marks})",
            [term.decode() for term in terms],
        )
        found: list[dict[bytes, list[int]]] = [{} for _ in texts]
        for text, term, column, offset in rows:
            found[text].setdefault(term.encode(), []).append(columns[column] + offset)
        self._clear()
        return found

    def count(self, texts: Sequence[Sequence[str]]) -> Counted:
        """Counts the words of texts that are given column by column."""
        self._insert(texts)
        columns = len(self.columns)
        column = " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(self.columns))
        # One number for text and column; a row a term instead of a row a word is four times as fast to fetch.
        rows = self._connection.execute(
            f"SELECT term, group_concat(doc * {columns} + CASE col {column} END) FROM words GROUP BY term"
        )
        terms: list[bytes] = []
        parts: list[NDArray[np.int64]] = []
        for term, numbers in rows:
            terms.append(term.encode())
            parts.append(np.fromstring(numbers, dtype=np.int64, sep=","))
        self._clear()
        found = np.concatenate([np.empty(0, dtype=np.int64), *parts])
        of_term = np.repeat(np.arange(len(parts)), [part.size for part in parts])
        texts_of = found // columns
        first = np.ones(found.size, dtype=np.bool_)  # of its term and text
        first[1:] = (texts_of[1:] != texts_of[:-1]) | (of_term[1:] != of_term[:-1])
        entry = np.cumsum(first) - 1
        counts = np.bincount(entry * columns + found % columns, minlength=int(first.sum()) * columns)
        return Counted(
            terms,
            np.cumsum(np.bincount(of_term[first], minlength=len(parts)), dtype=np.int64),
            texts_of[first],
            np.minimum(counts, 255).astype(np.uint8).reshape(-1, columns).T,
            np.bincount(texts_of, minlength=len(texts)).astype(np.uint32),
        )

    def _insert(self, texts: Sequence[Sequence[str]]) -> None:
        marks = ", ".join("?" * (len(self.columns) + 1))
        names = ", ".join(self.columns)
        self._connection.execute("BEGIN")
        self._connection.executemany(
            f"INSERT INTO fts (rowid, {names}) VALUES ({marks})",
            ((number, *columns) for number, columns in enumerate(texts)),
        )
        self._connection.execute("COMMIT")
