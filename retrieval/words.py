"""The words side of a search: BM25 over the word index, or over SQLite's full-text index where that is behind."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from retrieval.postings import Word, WordIndex
from retrieval.stop_words import STOP_WORDS
from retrieval.store import Space, Store
from retrieval.tokens import Tokenizer

# What a question asks to be done, which is no part of what it asks about.
ASKING_WORDS = frozenset(
    "summarize summarise summary describe description explain discuss discussed discusses discussing discussion "
    "discussions talk talked talking tell think thinks thought say says said opinion opinions view views mention "
    "mentioned conclusion conclude concluded".split()
)
_WORD = re.compile(r"\w+")
# bm25() weighs the columns header and body.
_COLUMN_WEIGHTS = (1.0, 1.0)
# The constants of BM25: that a word stands in a chunk says nearly all, how often little, and chunks are of a size
# (benchmarks/RESULTS.md).
K1, B = 0.6, 0.3
# Where only SQLite's own score is to be had, the best chunk is taken to have this share of what is possible.
_USUAL_SHARE = 0.6
# Chunks that a search takes in by itself: a second's work at most. Every save brings the index up to date.
_CATCH_UP = 4096

# The indexes of the stores that are open; each is used again until its store changes.
_indexes: WeakKeyDictionary[Store, tuple[WordIndex, Tokenizer]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words that follow one another in a query, as the tokenizer gives them; `distance` in words; `idf` of both
    together."""

    first: bytes
    second: bytes
    distance: int
    idf: float


@dataclass(frozen=True, slots=True)
class WordHits:
    """What a search by words found: the `best` chunks with their BM25 scores, the score that a chunk with all words
    often enough would have (`possible`), the `pairs` of words to look for, and the scores `of` any chunks by their
    ids."""

    best: dict[int, float]
    possible: float
    pairs: tuple[Pair, ...]
    of: Callable[[Sequence[int]], list[float]]


def content_words(text: str) -> list[str]:
    """The words of `text` in lower case without stop words, in order, each once; all words when there
    are only stop words."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(text)))
    return [word for word in words if word not in STOP_WORDS] or words


def query_words(query: str) -> list[tuple[int, str]]:
    """The words to look for, each once, with its place in the query: what is asked about, if it names that."""
    words: dict[str, int] = {}
    for place, match in enumerate(_WORD.finditer(query)):
        words.setdefault(match[0].lower(), place)
    for dull in (STOP_WORDS | ASKING_WORDS, STOP_WORDS):
        if kept := [(place, word) for word, place in words.items() if word not in dull]:
            return kept
    return [(place, word) for word, place in words.items()]


def match_expression(words: Sequence[str]) -> str:
    """The FTS5 expression that finds any of these words. Every word is quoted, so that nothing in a question acts as
    query syntax."""
    return " OR ".join(f'"{word}"' for word in words)


def search_words(
    store: Store, space: Space, query: str, k: int, condition: str, values: list[Any]
) -> WordHits:
    """The `k` best chunks by BM25 among the documents that meet the SQL `condition` with its `values` (see
    `Store.filtered`)."""
    words = query_words(query)
    if not words:
        return WordHits({}, 1.0, (), lambda ids: [0.0] * len(ids))
    if not _is_near(store, space):
        return search_fts(store, space, query, k, condition, values)
    index, tokenizer = _indexes[store]
    allowed = None if condition == "1" else index.of_documents(store.matching(condition, values))
    split = [
        (place, word, terms)
        for (place, word), terms in zip(words, tokenizer.words([word for _, word in words]), strict=True)
        if terms
    ]
    found = [Word(terms, _phrase(store, word) if len(terms) > 1 else None) for _, word, terms in split]
    scores = index.score(found, _COLUMN_WEIGHTS, K1, B, allowed)
    pairs = tuple(
        Pair(terms[-1], other[0], there - here, idf + other_idf)
        for ((here, _, terms), idf), ((there, _, other), other_idf) in pairwise(
            zip(split, scores.idf, strict=True)
        )
    )
    possible = sum(scores.idf) * (K1 + 1)
    return WordHits(dict(scores.best(k)), possible or 1.0, pairs, scores.of)


def adjacent(store: Store, pairs: Sequence[Pair], texts: Sequence[tuple[str, ...]]) -> list[float]:
    """What the pairs that stand together in each text add to its BM25 score: each as if it were a word. `texts` by
    column, as in the full-text index."""
    totals = [0.0] * len(texts)
    if not pairs or not texts:
        return totals
    terms = {term for pair in pairs for term in (pair.first, pair.second)}
    places = _tokenizer(store).places(texts, terms)
    for pair in pairs:
        for number, of_term in enumerate(places):
            second = of_term.get(pair.second, ())
            count = sum(
                any(0 < there - here <= pair.distance for there in second)
                for here in of_term.get(pair.first, ())
            )
            totals[number] += pair.idf * count * (K1 + 1) / (count + K1)
    return totals


def _phrase(store: Store, word: str) -> NDArray[np.int64]:
    """The chunks with a word that the tokenizer splits ("user_id"): the word index knows no order of words."""
    rows = store.connection.execute("SELECT rowid FROM fts WHERE fts MATCH ?", (f'"{word}"',)).fetchall()
    return np.array(rows, dtype=np.int64).reshape(-1)


def _tokenizer(store: Store) -> Tokenizer:
    known = _indexes.get(store)
    return known[1] if known else Tokenizer(store)


def _is_near(store: Store, space: Space) -> bool:
    """Whether the store's word index is up to date, or could be brought up to date at once, which is done then."""
    index, tokenizer = _indexes.get(store) or (None, Tokenizer(store))
    if index is None or index.generation != store.generation() or index.space != space:
        if WordIndex.behind(store, space, index, _CATCH_UP):
            return False
        _indexes[store] = WordIndex.open(store, space, index), tokenizer
    return True


def search_fts(store: Store, space: Space, query: str, k: int, condition: str, values: list[Any]) -> WordHits:
    """What `search_words` gives, from SQLite itself: nearly the same, but slow among many chunks."""
    expression = match_expression([word for _, word in query_words(query)])
    score = f"-bm25(fts, {', '.join(map(str, _COLUMN_WEIGHTS))})"
    rows = store.connection.execute(
        f"SELECT c.id, {score} AS score FROM fts "
        "JOIN chunks c ON c.id = fts.rowid JOIN documents d ON d.id = c.document_id "
        "JOIN files f ON f.id = d.file_id "
        f"WHERE fts MATCH ? AND c.space_id = ? AND {condition} ORDER BY score DESC, c.id LIMIT ?",
        (expression, space.id, *values, k),
    )
    best = {row[0]: row[1] for row in rows}

    def of(ids: Sequence[int]) -> list[float]:
        query = f"SELECT {score} FROM fts WHERE fts MATCH ? AND rowid = ?"
        found = (store.connection.execute(query, (expression, i)).fetchone() for i in ids)
        return [row[0] if row else 0.0 for row in found]

    return WordHits(best, max(best.values(), default=1.0) / _USUAL_SHARE, (), of)
