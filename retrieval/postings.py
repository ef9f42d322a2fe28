"""The word index: for each word the chunks it stands in, so that BM25 over all of them takes milliseconds.

FTS5 keeps the words and is the truth, but its bm25() looks at every matching row one by one: with the common words
of a question that takes seconds among 1,000,000 chunks. `words.index` holds the same numbers as plain arrays that numpy
adds up. It is derived: every word comes out of SQLite's tokenizer (`retrieval.tokens`), and the file is kept in step as
told in `retrieval.derived`.

The score is that of FTS5 (https://sqlite.org/fts5.html#the_bm25_function) but for the two constants, which can be
chosen here; it is of all words of the query, with no candidate left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retrieval.derived import Derived
from retrieval.frames import Arrays, Frame
from retrieval.store import Space, Store
from retrieval.tokens import Tokenizer

_LEAST_IDF = 1e-6  # FTS5's, for a word that stands in more than half of the chunks
_BLOCK = 256  # rows of which only the best score is looked at first
_ENTRIES = 4_000_000  # merged at a time: 100 MB of intermediate results


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query: the terms that the tokenizer makes of it, and, when those are several, the chunks (ids) in
    which they follow one another; how often they do so is taken to be as often as the rarest of them stands there."""

    terms: Sequence[bytes]
    chunks: NDArray[np.int64] | None = None


class WordIndex(Derived):
    """The words of one space of a store, as they are in one snapshot of it."""

    FILE = "words.index"

    def __init__(self, store: Store, space: Space, frames: list[Frame], stamp: str | None) -> None:
        super().__init__(store, space, frames, stamp)
        lengths = np.concatenate([np.empty(0, np.uint32), *(frame.arrays["lengths"] for frame in frames)])
        mean = lengths[self.alive].mean(dtype=np.float64) if len(self) else 1.0
        self._lengths = (lengths / max(mean, 1e-9)).astype(np.float32)
        self._vocabularies = [_Vocabulary(frame.arrays) for frame in frames]

    def score(
        self, words: Sequence[Word], weights: Sequence[float], k1: float, b: float,
        allowed: NDArray[np.bool_] | None = None,
    ) -> "WordScores":  # fmt: skip
        """The BM25 score of every chunk (larger is better), with the constants `k1` and `b` of the formula. `weights`
        are those of the columns. With `allowed` (a flag for each row), the others have no score."""
        scores = np.zeros(-(-len(self.ids) // _BLOCK) * _BLOCK, dtype=np.float32)
        total = len(self)
        rarities = []
        for word in words:
            rows, frequency = self._word(word, np.asarray(weights, dtype=np.float32))
            found = rows.size if self.all_alive else int(np.count_nonzero(self.alive[rows]))
            idf = max(_LEAST_IDF, float(np.log((total - found + 0.5) / (found + 0.5))))
            rarities.append(idf)
            if found:
                # In place, as there are up to a million of them.
                norms = self._lengths[rows]
                norms *= np.float32(k1 * b)
                norms += np.float32(k1 * (1 - b))
                norms += frequency
                frequency *= np.float32(idf * (k1 + 1))
                frequency /= norms
                scores[rows] += frequency
        for frame in self._frames:
            frame.release()  # or the lists of all words ever asked for would stay
        if allowed is not None:
            scores[: len(self.ids)] *= allowed
        if not self.all_alive:
            scores[: len(self.ids)] *= self.alive
        return WordScores(self, scores, tuple(rarities))

    def _word(
        self, word: Word, weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The rows in which a word stands, with its weighted count in each."""
        rows, count = self._term(word.terms[0], weights)
        for term in word.terms[1:]:
            other, its_count = self._term(term, weights)
            rows, mine, its = np.intersect1d(rows, other, assume_unique=True, return_indices=True)
            count = np.minimum(count[mine], its_count[its])
        if word.chunks is None:
            return rows, count
        within = np.isin(rows, self.rows(word.chunks))
        return rows[within], count[within]

    def _term(
        self, term: bytes, weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        rows: list[NDArray[np.int64]] = []
        counts: list[NDArray[np.float32]] = []
        for frame, vocabulary, first in zip(self._frames, self._vocabularies, self._starts, strict=False):
            start, end = vocabulary.entries(term)
            if start < end:
                rows.append(np.add(frame.arrays["rows"][start:end], first, dtype=np.int64))
                columns = frame.arrays["counts"][:, start:end]
                # Column by column: four times as fast as a matrix product with so few columns.
                counts.append(np.multiply(columns[0], weights[0], dtype=np.float32))
                for column, weight in zip(columns[1:], weights[1:], strict=True):
                    counts[-1] += np.multiply(column, weight, dtype=np.float32)
        if len(rows) == 1:
            return rows[0], counts[0]
        return np.concatenate([np.empty(0, np.int64), *rows]), np.concatenate(
            [np.empty(0, np.float32), *counts]
        )

    @classmethod
    def _built(cls, store: Store, space: Space, ids: NDArray[np.int64]) -> Arrays:
        tokenizer = Tokenizer(store)
        names = ", ".join(f"t.{name}" for name in tokenizer.columns)
        rows = store.connection.execute(
            f"SELECT {names} FROM chunks c JOIN chunk_texts t ON t.id = c.id "
            "WHERE c.id BETWEEN ? AND ? AND c.space_id = ? ORDER BY c.id",
            (int(ids[0]), int(ids[-1]), space.id),
        )
        counted = tokenizer.count(rows.fetchall())
        return _arrays(
            counted.terms, counted.ends, counted.texts.astype(np.uint32), counted.counts, counted.lengths
        )

    @classmethod
    def _merged(cls, frames: Sequence[Frame], alive: Sequence[NDArray[np.bool_]]) -> Arrays:
        lengths = [frame.arrays["lengths"][mask] for frame, mask in zip(frames, alive, strict=True)]
        firsts = np.cumsum([0, *map(len, lengths)])[:-1]
        parts = [
            _Part.of(frame, mask, first) for frame, mask, first in zip(frames, alive, firsts, strict=True)
        ]
        terms = sorted(set().union(*(part.terms for part in parts)))
        number = {term: i for i, term in enumerate(terms)}
        places = [np.array([number[term] for term in part.terms], dtype=np.int64) for part in parts]
        totals = np.zeros(len(terms), dtype=np.int64)
        for part, place in zip(parts, places, strict=True):
            totals[place] += np.diff(part.starts)
        ends = np.cumsum(totals)
        # A frame without rows, of a save that found nothing new, does not know how many columns there are.
        columns = max((part.counts.shape[0] for part in parts), default=1)
        rows = np.empty(int(totals.sum()), dtype=np.uint32)
        counts = np.empty((columns, rows.size), dtype=np.uint8)
        free = ends - totals  # where the next part's entries of each term go
        for part, place in zip(parts, places, strict=True):
            part.copy(free[place], rows, counts)
            free[place] += np.diff(part.starts)
        used = totals > 0
        kept = [term for term, is_used in zip(terms, used.tolist(), strict=True) if is_used]
        joined = np.concatenate([np.empty(0, np.uint32), *lengths])
        return _arrays(kept, ends[used], rows, counts, joined)


@dataclass(frozen=True, slots=True)
class WordScores:
    """What the chunks of an index score for some words; `idf` of each word."""

    index: WordIndex
    scores: NDArray[np.float32]
    idf: tuple[float, ...]

    def best(self, k: int) -> list[tuple[int, float]]:
        """The `k` chunks with the highest positive score: (chunk id, score), best first, equal scores by id."""
        return [(int(self.index.ids[row]), float(self.scores[row])) for row in _largest(self.scores, k)]

    def of(self, ids: Sequence[int]) -> list[float]:
        """The scores of these chunks, which must be in the index."""
        return [float(score) for score in self.scores[np.searchsorted(self.index.ids, ids)]]


@dataclass(frozen=True, slots=True)
class _Part:
    """The living entries of a frame, with the rows that they get. The entries of term `i` are `starts[i]` to
    `starts[i + 1]`."""

    terms: list[bytes]
    starts: NDArray[np.int64]
    rows: NDArray[np.uint32]
    counts: NDArray[np.uint8]

    @classmethod
    def of(cls, frame: Frame, alive: NDArray[np.bool_], first: int) -> "_Part":
        arrays = frame.arrays
        starts = np.concatenate([[0], arrays["ends"]])
        rows, counts = arrays["rows"], arrays["counts"]
        if not alive.all():
            living = alive[rows]
            rows, counts = rows[living], counts[:, living]
            starts = np.concatenate([[0], np.cumsum(living)])[starts]
        renumbered = (np.cumsum(alive) - 1 + first).astype(np.uint32)
        return cls(_Vocabulary(arrays).terms(), starts, renumbered[rows], counts)

    def copy(self, free: NDArray[np.int64], rows: NDArray[np.uint32], counts: NDArray[np.uint8]) -> None:
        """Copies the entries of each term to where `free` says, some terms at a time."""
        cuts = np.searchsorted(self.starts, np.arange(0, self.rows.size, _ENTRIES))
        for a, b in pairwise(np.unique([*cuts, len(free)]).tolist()):
            start, end = int(self.starts[a]), int(self.starts[b])
            sizes = np.diff(self.starts[a : b + 1])
            to = np.arange(start, end) + np.repeat(free[a:b] - self.starts[a:b], sizes)
            rows[to] = self.rows[start:end]
            counts[:, to] = self.counts[:, start:end]


class _Vocabulary:
    """The terms of a frame in ascending order, one after another in an array of bytes."""

    def __init__(self, arrays: Arrays) -> None:
        self._bytes, self._ends, self._entries = arrays["terms"], arrays["term_ends"], arrays["ends"]

    def entries(self, term: bytes) -> tuple[int, int]:
        """Where the entries of a term start and end; equal when it has none."""
        low, high = 0, len(self._ends)
        while low < high:
            middle = (low + high) // 2
            if self._term(middle) < term:
                low = middle + 1
            else:
                high = middle
        if low == len(self._ends) or self._term(low) != term:
            return 0, 0
        return int(self._entries[low - 1]) if low else 0, int(self._entries[low])

    def terms(self) -> list[bytes]:
        whole = self._bytes.tobytes()
        return [whole[a:b] for a, b in pairwise([0, *self._ends.tolist()])]

    def _term(self, number: int) -> bytes:
        start = int(self._ends[number - 1]) if number else 0
        return self._bytes[start : int(self._ends[number])].tobytes()


def _arrays(
    terms: Sequence[bytes], ends: NDArray[np.int64], rows: NDArray[np.uint32], counts: NDArray[np.uint8],
    lengths: NDArray[np.uint32],
) -> Arrays:  # fmt: skip
    return {
        "terms": np.frombuffer(b"".join(terms), dtype=np.uint8),
        "term_ends": np.cumsum([len(term) for term in terms], dtype=np.int64),
        "ends": ends, "rows": rows, "counts": counts, "lengths": lengths,
    }  # fmt: skip


def _largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The indices of the `k` largest positive scores, largest first. The k-th largest of the blocks' maxima is a bound
    that at least k scores reach, and few others do; to sort a million would take longer than to add them up."""
    if k < 1:
        return np.empty(0, dtype=np.int64)
    maxima = scores.reshape(-1, _BLOCK).max(axis=1)
    bound = np.partition(maxima, len(maxima) - k)[len(maxima) - k] if len(maxima) > k else 0.0
    found = np.flatnonzero(scores >= bound) if bound > 0 else np.flatnonzero(scores)
    return found[np.argsort(-scores[found], kind="stable")[:k]]
