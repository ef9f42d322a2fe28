"""Hybrid search: words and vectors bring candidates, and all the evidence for each of them makes its rank."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.asking import Asked, asked, named
from retrieval.decisions import Statement, superseded
from retrieval.duplicates import copies
from retrieval.encoder import Encoder
from retrieval.errors import EmbedderMismatch
from retrieval.ranking import Candidate, evidence, spread
from retrieval.store import Space, Store, StoredChunk
from retrieval.types import Copy, Filters, Hit
from retrieval.vectors import VectorIndex
from retrieval.words import WordHits, adjacent, search_words

# Each side brings this many candidates.
CANDIDATES = 100
# The best candidates are read, as pairs of words, speakers and copies are in their texts.
_READ = 90
# So many of them are looked at for decisions that replace others, and one that is replaced stands behind by this.
_DECIDED, _BEHIND = 20, 1e-6
# Documents that the question names bring candidates of their own, if they are no more than these.
_NAMED = 20


class Searcher:
    """Searches one store with one encoder; keeps the vector index for as long as the store stays the same."""

    def __init__(self, store: Store, encoder: Encoder, today: Callable[[], date] = date.today) -> None:
        self._store = store
        self.encoder = encoder
        self._today = today
        self._index: VectorIndex | None = None

    def understand(self, query: str) -> Asked:
        """What the query says about where to look."""
        return asked(query, self._today())

    def search(self, query: str, k: int = 10, filters: Filters = Filters()) -> list[Hit]:
        """The `k` best hits, best first. Raises EmbedderMismatch when the store's vectors are not the
        encoder's."""
        with self._store.snapshot():
            space = self._store.space()
            if space is None or not query.strip():
                return []
            if space.fingerprint != self.encoder.settings.fingerprint:
                raise EmbedderMismatch(
                    f"the knowledge base in {self._store.folder} was built with another embedding model "
                    f"({space.name}, {space.fingerprint[:12]}) than the one at hand "
                    f"({self.encoder.settings.fingerprint[:12]}): run kb reindex"
                )
            question = self.understand(query)
            vector = self.encoder.encode_query(query)
            depth = max(CANDIDATES, k)
            condition, values = self._store.filtered(filters)
            found, words = self._candidates(space, query, vector, depth, condition, values)
            names = named(question, {c.document: c.info for c in found.values()})
            if 0 < len(names) <= _NAMED:
                within = f"({condition}) AND d.id IN ({', '.join('?' * len(names))})"
                found |= self._candidates(space, query, vector, depth, within, [*values, *names])[0]
            best = _best(question, list(found.values()), max(_READ, 2 * k))
            chunks = self._store.chunks([candidate.id for candidate in best])
            return self._hits(question, best, chunks, words, k)

    def _candidates(
        self,
        space: Space,
        query: str,
        vector: NDArray[np.float32],
        depth: int,
        condition: str,
        values: list[Any],
    ) -> tuple[dict[int, Candidate], WordHits]:
        """What either side finds among the documents that meet a condition, with the scores of both."""
        if self._index is None or self._index.generation != self._store.generation():
            self._index = VectorIndex.open(self._store, space, self._index)
        allowed = None
        if condition != "1":
            allowed = self._index.of_documents(self._store.matching(condition, values))
        words = search_words(self._store, space, query, depth, condition, values)
        dense = dict(self._index.search(vector, depth, allowed))
        only_words = [i for i in words.best if i not in dense]
        dense |= dict(zip(only_words, self._index.cosines(vector, only_words), strict=True))
        lexical = dict(zip(dense, words.of(list(dense)), strict=True))
        return {
            i: Candidate(i, document, info, page, dense[i], lexical[i] / words.possible)
            for i, (document, info, page) in self._store.owners(list(dense)).items()
        }, words

    def _hits(
        self,
        question: Asked,
        best: Sequence[Candidate],
        chunks: dict[int, StoredChunk],
        words: WordHits,
        k: int,
    ) -> list[Hit]:
        texts = [(chunks[c.id].header, chunks[c.id].text) for c in best]
        pairs = adjacent(self._store, words.pairs, texts)
        read = [
            replace(candidate, pairs=pair / words.possible, header=header, text=text)
            for candidate, pair, (header, text) in zip(best, pairs, texts, strict=True)
        ]
        found = {c.id: parts for c, parts in zip(read, evidence(question, read), strict=True)}
        read.sort(key=lambda c: (-sum(found[c.id].values()), c.id))
        same = copies([c.text for c in read], [c.info.kind == "mail" for c in read])
        firsts = [at for at, first in enumerate(same) if first == at]
        shown = [read[at] for at in firsts]
        replaced = self._replaced(shown)
        scores = [sum(found[candidate.id].values()) for candidate in shown]
        moves = _moves(scores, replaced)
        order = spread(shown, [a + b for a, b in zip(scores, moves, strict=True)], k)
        hits = []
        for rank, (at, lost) in enumerate(order, start=1):
            candidate, chunk = shown[at], chunks[shown[at].id]
            others = [chunks[c.id] for c, first in zip(read, same, strict=True) if first == firsts[at]]
            parts = found[candidate.id] | ({"neighbour": lost} if lost else {})
            parts |= {"decision": moves[at]} if moves[at] else {}
            hits.append(
                Hit(
                    rank=rank, ref=chunk.ref, document_id=chunk.document_id, info=chunk.info, start=chunk.start,
                    end=chunk.end, text=chunk.text, heading=chunk.heading, page=chunk.page, columns=chunk.columns,
                    score=sum(parts.values()), dense=candidate.dense,
                    lexical=candidate.words * words.possible or None, evidence=parts,
                    copies=tuple(Copy(other.ref, other.info) for other in others if other is not chunk),
                    replaced_by=chunks[shown[replaced[at]].id].ref if at in replaced else None,
                )
            )  # fmt: skip
        return hits

    def _replaced(self, candidates: Sequence[Candidate]) -> dict[int, int]:
        """Which of the best candidates state what a later decision among them replaces, and that decision."""
        assert self._index is not None
        first = candidates[:_DECIDED]
        vectors = self._index.vectors([candidate.id for candidate in first])
        return superseded([Statement(c.text, c.info.date, v) for c, v in zip(first, vectors, strict=True)])


def _moves(scores: Sequence[float], replaced: Mapping[int, int]) -> list[float]:
    """What to add to each score so that a decision comes before what it replaces: the two change places."""
    moved = list(scores)
    for older, newer in replaced.items():
        low, high = sorted((moved[older], moved[newer]))
        moved[older], moved[newer] = low - _BEHIND, high
    return [after - before for after, before in zip(moved, scores, strict=True)]


def _best(question: Asked, candidates: list[Candidate], count: int) -> list[Candidate]:
    scores = [sum(parts.values()) for parts in evidence(question, candidates)]
    order = sorted(range(len(candidates)), key=lambda at: (-scores[at], candidates[at].id))
    return [candidates[at] for at in order[:count]]
