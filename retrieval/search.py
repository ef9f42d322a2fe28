"""Hybrid search: words and vectors bring candidates, and all the evidence for each of them makes its rank."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from retrieval.asking import Asked, asked, named
from retrieval.decisions import Statement, superseded
from retrieval.duplicates import copies
from retrieval.encoder import Encoder
from retrieval.engine import EmbeddedEngine, Engine
from retrieval.errors import EmbedderMismatch
from retrieval.ranking import Candidate, evidence, spread
from retrieval.store import Store, StoredChunk
from retrieval.types import Copy, Filters, Hit
from retrieval.words import WordHits

# Each side brings this many candidates.
CANDIDATES = 100
# The best candidates are read, as pairs of words, speakers and copies are in their texts.
_READ = 90
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
            question = self.understand(query)
            vector = self.encoder.encode_query(query)
            depth = max(CANDIDATES, k)
            found, words = engine.candidates(query, vector, depth, filters)
            names = named(question, {c.document: c.info for c in found.values()})
            if 0 < len(names) <= _NAMED:
                found |= engine.candidates(query, vector, depth, filters, list(names))[0]
            best = _best(question, list(found.values()), max(_READ, 2 * k))
            chunks = engine.chunks([candidate.id for candidate in best])
            return self._hits(question, best, chunks, words, k)

    def _hits(
        self,
        question: Asked,
        best: Sequence[Candidate],
        chunks: Mapping[int, StoredChunk],
        words: WordHits,
        k: int,
    ) -> list[Hit]:
        texts = [(chunks[c.id].header, chunks[c.id].text) for c in best]
        pairs = self._engine.adjacent(words.pairs, texts)
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
        first = candidates[:_DECIDED]
        vectors = self._engine.vectors([candidate.id for candidate in first])
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
