"""What a search needs of an index, and the index in a knowledge base's own folder.

The other one is `retrieval.milvus_read`: what several machines share.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.ranking import Candidate
from retrieval.store import Space, Store, StoredChunk
from retrieval.turns import is_transcript
from retrieval.types import Filters
from retrieval.vectors import VectorIndex
from retrieval.words import Pair, WordHits, adjacent, search_words

# Characters by which a transcript is told from other documents: some pages of turns, whatever is in front of them.
BEGINNING = 20_000


class Engine(Protocol):
    """Ids of chunks and documents hold within a snapshot."""

    @property
    def place(self) -> str:
        """Where the index lies, for people."""

    def snapshot(self) -> AbstractContextManager[None]:
        """All that is read inside is of one state, or no older than its beginning."""

    def space(self) -> Space | None:
        """The embedding model that its vectors come from; None while it is empty."""

    def candidates(
        self, query: str, vectors: Callable[[], NDArray[np.float32]], depth: int, filters: Filters,
        documents: Sequence[int] | None = None,
    ) -> tuple[dict[int, Candidate], WordHits]:  # fmt: skip
        """The `depth` best chunks by words and the `depth` best by each vector of the query, with the scores of both,
        the better one of several vectors; among these documents only, where they are given. `vectors` waits for them:
        float32, (n, dimensions)."""

    def chunks(self, ids: Sequence[int]) -> Mapping[int, StoredChunk]:
        """Candidates with their texts, by id."""

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of candidates: float32, (len(ids), dimensions)."""

    def adjacent(self, pairs: Sequence[Pair], texts: Sequence[tuple[str, ...]]) -> list[float]:
        """As `retrieval.words.adjacent`."""

    def transcripts(self, documents: Sequence[int]) -> set[int]:
        """Those of the documents that are transcripts, by their first `BEGINNING` characters."""


def best_cosines(chunks: NDArray[np.float32], queries: NDArray[np.float32]) -> list[float]:
    """The cosine of each chunk to the query vector that it is nearest to."""
    if not len(chunks):
        return []
    return [float(cosine) for cosine in (chunks @ queries.T).max(axis=1)]


class EmbeddedEngine:
    """The index of one store. Keeps the vectors for as long as the store stays the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index: VectorIndex | None = None
        # Which documents are transcripts, in one generation of the store.
        self._spoken: tuple[int, dict[int, bool]] = (-1, {})

    @property
    def place(self) -> str:
        return str(self._store.folder)

    def snapshot(self) -> AbstractContextManager[None]:
        return self._store.snapshot()

    def space(self) -> Space | None:
        return self._store.space()

    def candidates(
        self, query: str, vectors: Callable[[], NDArray[np.float32]], depth: int, filters: Filters,
        documents: Sequence[int] | None = None,
    ) -> tuple[dict[int, Candidate], WordHits]:  # fmt: skip
        space = self._store.space()
        assert space is not None
        condition, values = self._store.filtered(filters)
        if documents is not None:
            condition = f"({condition}) AND d.id IN ({', '.join('?' * len(documents))})"
            values = [*values, *documents]
        index = self._opened(space)
        allowed = None
        if condition != "1":
            allowed = index.of_documents(self._store.matching(condition, values))
        words = search_words(self._store, space, query, depth, condition, values)
        queries = vectors()
        near = (i for vector in queries for i, _ in index.search(vector, depth, allowed))
        ids = list(dict.fromkeys([*near, *words.best]))
        dense = dict(zip(ids, best_cosines(index.vectors(ids), queries), strict=True))
        lexical = dict(zip(dense, words.of(list(dense)), strict=True))
        return {
            i: Candidate(i, document, info, page, dense[i], lexical[i] / words.possible)
            for i, (document, info, page) in self._store.owners(list(dense)).items()
        }, words

    def chunks(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        return self._store.chunks(ids)

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        assert self._index is not None
        return self._index.vectors(ids)

    def adjacent(self, pairs: Sequence[Pair], texts: Sequence[tuple[str, ...]]) -> list[float]:
        return adjacent(self._store, pairs, texts)

    def transcripts(self, documents: Sequence[int]) -> set[int]:
        generation = self._store.generation()
        if self._spoken[0] != generation:
            self._spoken = generation, {}
        known = self._spoken[1]
        missing = [document for document in documents if document not in known]
        for document, text in self._store.beginnings(missing, BEGINNING).items():
            known[document] = is_transcript(text)
        return {document for document in documents if known[document]}

    def _opened(self, space: Space) -> VectorIndex:
        if self._index is None or self._index.generation != self._store.generation():
            self._index = VectorIndex.open(self._store, space, self._index)
        return self._index
