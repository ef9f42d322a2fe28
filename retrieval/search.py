"""Hybrid search: words and vectors bring candidates, and all the evidence for each of them makes its rank."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from retrieval.asking import Asked, asked
from retrieval.decisions import Statement, superseded, with_threads
from retrieval.duplicates import copies
from retrieval.encoder import Encoder
from retrieval.engine import EmbeddedEngine, Engine
from retrieval.errors import EmbedderMismatch
from retrieval.ranking import Candidate, about, evidence, own_score, spread
from retrieval.store import Store, StoredChunk
from retrieval.threads import thread_keys
from retrieval.turns import turns
from retrieval.types import Copy, Filters, Hit
from retrieval.words import WordHits, query_words

# Each side brings this many candidates.
CANDIDATES = 100
# A question of more words than this says how to answer, too ("Give the figure in USD millions.").
_LONG = 20
# The best candidates are read, as pairs of words and copies are in their texts; of a transcript among them, all.
# With 25 to 40 the public sets are found alike (benchmarks/RESULTS.md).
_READ = 25
# Of 8,703 pairs of copies that searches found, the cosine of the farthest is 0.66.
_COPY = 0.65
# So many of them are looked at for decisions that replace others, and one that is replaced stands behind by this.
_DECIDED, _BEHIND = 20, 1e-6
# Documents that the question names bring candidates of their own, if they are no more than these.
_NAMED = 20


class Searcher:
    """Searches one index with one encoder."""

    def __init__(
        self, index: Store | Engine, encoder: Encoder, today: Callable[[], date] = date.today
    ) -> None:
        self._engine: Engine = EmbeddedEngine(index) if isinstance(index, Store) else index
        self.encoder = encoder
        self._today = today

    def understand(self, query: str) -> Asked:
        """What the query says about where to look."""
        return asked(query, self._today())

    def search(self, query: str, k: int = 10, filters: Filters = Filters()) -> list[Hit]:
        """The `k` best hits, best first. Raises EmbedderMismatch when the index's vectors are not the
        encoder's."""
        engine = self._engine
        with engine.snapshot():
            space = engine.space()
            if space is None or not query.strip():
                return []
            if space.fingerprint != self.encoder.settings.fingerprint:
                raise EmbedderMismatch(
                    f"the knowledge base in {engine.place} was built with another embedding model "
                    f"({space.name}, {space.fingerprint[:12]}) than the one at hand "
                    f"({self.encoder.settings.fingerprint[:12]}): run kb reindex"
                )
            # Meanwhile the query's words are looked up.
            vectors = _pool().submit(self._vectors, query).result
            question = self.understand(query)
            depth = max(CANDIDATES, k)
            found, words = engine.candidates(query, vectors, depth, filters)
            places = about(question, {c.document: c.info for c in found.values()})
            names = [document for document, parts in places.items() if "name" in parts]
            if 0 < len(names) <= _NAMED:
                found |= engine.candidates(query, vectors, depth, filters, names)[0]
            return self._hits(_best_first(places, list(found.values())), places, words, k)

    def _vectors(self, query: str) -> NDArray[np.float32]:
        """The query's vector and, of a long one, that of the words that say what it asks about."""
        vectors = [self.encoder.encode_query(query)]
        if len(query.split()) > _LONG:
            vectors.append(self.encoder.encode_query(" ".join(word for _, word in query_words(query))))
        return np.stack(vectors)

    def _hits(
        self,
        ranked: Sequence[Candidate],
        places: Mapping[int, Mapping[str, float]],
        words: WordHits,
        k: int,
    ) -> list[Hit]:
        chunks: dict[int, StoredChunk] = {}
        count = max(_READ, 2 * k)
        while True:
            read = self._read(ranked[:count], words, chunks)
            spoken = self._transcripts(read)
            read += self._read([c for c in ranked[count:] if c.document in spoken], words, chunks)
            found = {c.id: parts for c, parts in zip(read, evidence(places, read, spoken), strict=True)}
            read.sort(key=lambda c: (-sum(found[c.id].values()), c.id))
            vectors = self._engine.vectors([c.id for c in read])
            near = vectors @ vectors.T >= _COPY
            same = copies([c.text for c in read], [c.info.kind == "mail" for c in read], near)
            firsts = [at for at, first in enumerate(same) if first == at]
            if len(firsts) >= k or count >= len(ranked):
                break
            count *= 2  # most were copies of one another
        shown = [read[at] for at in firsts]
        first = [Statement(read[at].text, read[at].info.date, vectors[at]) for at in firsts[:_DECIDED]]
        replaced = superseded(first)
        if replaced:
            infos = [chunks[c.id].info for c in shown[:_DECIDED]]
            threads = [thread_keys(info) if info.is_message else set() for info in infos]
            replaced = with_threads(replaced, first, threads)
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

    def _transcripts(self, candidates: Sequence[Candidate]) -> set[int]:
        """The documents of these candidates that are transcripts, by how they begin. The header lines of mail look
        like turns."""
        # To look for a turn here is quicker than to read the beginning of a long report.
        documents = {c.document for c in candidates if c.info.kind != "mail" and any(turns(c.text))}
        return self._engine.transcripts(sorted(documents))

    def _read(
        self, candidates: Sequence[Candidate], words: WordHits, chunks: dict[int, StoredChunk]
    ) -> list[Candidate]:
        """The candidates with their texts and what stands together there; adds what is stored of them to `chunks`."""
        chunks |= self._engine.chunks([candidate.id for candidate in candidates])
        texts = [(chunks[c.id].header, chunks[c.id].text) for c in candidates]
        pairs = self._engine.adjacent(words.pairs, texts)
        return [
            replace(candidate, pairs=pair / words.possible, header=header, text=text)
            for candidate, pair, (header, text) in zip(candidates, pairs, texts, strict=True)
        ]


def _moves(scores: Sequence[float], replaced: Mapping[int, int]) -> list[float]:
    """What to add to each score so that a decision comes before what it replaces: the two change places."""
    moved = list(scores)
    for older, newer in replaced.items():
        low, high = sorted((moved[older], moved[newer]))
        moved[older], moved[newer] = low - _BEHIND, high
    return [after - before for after, before in zip(moved, scores, strict=True)]


def _best_first(
    places: Mapping[int, Mapping[str, float]], candidates: Sequence[Candidate]
) -> list[Candidate]:
    """By what is known of them without their texts."""
    of_document = {document: sum(parts.values()) for document, parts in places.items()}
    scores = {c.id: own_score(c) + of_document[c.document] for c in candidates}
    return sorted(candidates, key=lambda c: (-scores[c.id], c.id))


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that encode queries; onnxruntime leaves Python's lock meanwhile."""
    return ThreadPoolExecutor(os.cpu_count())
