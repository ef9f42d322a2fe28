"""Reading a shared index in Milvus: the engine of a search there, and what listings and opened documents need.

The scores are those of the embedded engine: Milvus chooses the candidates, by its own BM25 and its own vector index,
and what each of them scores is counted here, from the vector and the words that are stored with it. How rare a word is
comes out of the score of the chunk that Milvus finds best for it alone.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.engine import BEGINNING, best_cosines
from retrieval.milvus import Milvus, Row
from retrieval.milvus_publish import token
from retrieval.ranking import Candidate
from retrieval.store import Space, Store, StoredChunk, StoredDocument, holds_many, holds_none
from retrieval.tokens import Tokenizer
from retrieval.turns import is_transcript
from retrieval.types import KINDS, DocumentInfo, Filters
from retrieval.words import K1, B, Pair, WordHits, adjacent, query_words

_LEAST_IDF = 1e-6  # as in `retrieval.postings`
# Bits of a chunk's id that count within its document.
_ORDINAL_BITS = 20
_REF = re.compile(r"[0-9a-z]{1,64}")
_FIELDS = [
    "key", "document", "version", "ordinal", "start", "finish", "page", "author", "doc", "header", "heading", "columns",
    "text", "words", "vector",
]  # fmt: skip
# A document is replaced while it is read once in a blue moon, and hardly twice.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Known:
    """A visible document."""

    key: str
    version: str
    ref: str
    info: DocumentInfo


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a query, as tokens; how rare it is; its place in the query."""

    tokens: tuple[str, ...]
    idf: float
    place: int


class MilvusReader:
    """Reads one shared index. `store` is a knowledge base of this machine, maybe an empty one: its tokenizer splits
    queries. Not to be shared between threads."""

    def __init__(self, index: Milvus, store: Store) -> None:
        self._index = index
        self._store = store
        self._meta: dict[str, Any] = {}
        self._documents: dict[str, int] = {}
        self._known: dict[int, _Known] = {}
        self._rows: dict[int, Row] = {}

    @property
    def place(self) -> str:
        """Where the index lies, for people."""
        return self._index.url

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Ids hold within it. What is read is as new as Milvus has it."""
        self._meta = self._index.meta()
        self._documents, self._known, self._rows = {}, {}, {}
        yield

    def space(self) -> Space | None:
        """The embedding model that the vectors come from; None while nothing has been published."""
        meta = self._meta or self._index.meta()
        return Space(**meta["space"]) if "space" in meta else None

    def candidates(
        self, query: str, vectors: Callable[[], NDArray[np.float32]], depth: int, filters: Filters,
        documents: Sequence[int] | None = None,
    ) -> tuple[dict[int, Candidate], WordHits]:  # fmt: skip
        """See `retrieval.engine.Engine`."""
        condition = _condition(filters)
        if documents is not None:
            keys = json.dumps([self._known[number].key for number in documents])
            condition = " and ".join(part for part in (condition, f"document in {keys}") if part)
        mean = max(self._total("words") / max(self._total("chunks"), 1), 1.0)
        words = self._words(query, mean)
        queries = vectors()
        near = self._search("vector", queries.tolist(), depth, condition, _FIELDS)
        rows = [row for hits in near for row in hits]
        if words:
            text = " ".join(token for word in words for token in word.tokens)
            rows += self._search("sparse", [text], depth, condition, _FIELDS)[0]
        rows = [row for row in rows if _meets(self._store, filters, row)]
        self._look_up({row["document"] for row in rows} - self._documents.keys())
        possible = sum(word.idf for word in words) * (K1 + 1) or 1.0
        found, best = {}, {}
        for row in rows:
            number = self._documents.get(row["document"])
            if number is None or self._known[number].version != row["version"]:
                continue  # of no visible version
            chunk = number << _ORDINAL_BITS | row["ordinal"]
            self._rows[chunk] = row
            score = _score(row["words"].split(), words, mean)
            best[chunk] = score
            (cosine,) = best_cosines(np.array([row["vector"]], dtype=np.float32), queries)
            info = self._known[number].info
            found[chunk] = Candidate(chunk, number, info, row["page"] or None, cosine, score / possible)
        pairs = tuple(
            Pair(
                here.tokens[-1].encode(),
                there.tokens[0].encode(),
                there.place - here.place,
                here.idf + there.idf,
            )
            for here, there in pairwise(words)
        )
        return found, WordHits(best, possible, pairs, lambda ids: [best.get(i, 0.0) for i in ids])

    def chunks(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Candidates with their texts, by id."""
        return {i: self._chunk(i) for i in ids}

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of candidates: float32, (len(ids), dimensions)."""
        if not ids:
            return np.empty((0, 0), dtype=np.float32)
        return np.array([self._rows[i]["vector"] for i in ids], dtype=np.float32)

    def adjacent(self, pairs: Sequence[Pair], texts: Sequence[tuple[str, ...]]) -> list[float]:
        """As `retrieval.words.adjacent`."""
        return adjacent(self._store, pairs, texts)

    def transcripts(self, documents: Sequence[int]) -> set[int]:
        """See `retrieval.engine.Engine`."""
        return {
            number
            for number in documents
            if is_transcript(self.document(self._known[number].ref).text[:BEGINNING])
        }

    def document(self, ref: str) -> StoredDocument:
        """The document that `ref` names; see `Store.document`."""
        for left in reversed(range(_TRIES)):
            known = self._find(ref)
            condition = f'document == "{known.key}" and version == "{known.version}"'
            pieces = sorted(
                self._index.query("texts", condition, ["ordinal", "piece"]),
                key=lambda row: int(row["ordinal"]),
            )
            try:
                text, layout, info = json.loads("".join(row["piece"] for row in pieces))
            except ValueError:  # replaced between the two requests
                if left:
                    continue
                raise holds_none(ref) from None
            return StoredDocument(0, known.ref, _info(info), text, layout)
        raise holds_none(ref)

    def documents(self, filters: Filters = Filters()) -> Iterator[tuple[str, DocumentInfo, int, int]]:
        """All documents by path and part: ref, info, number of chunks, number of characters."""
        if self.space() is None:
            return
        fields = ["ref", "info", "chunks", "chars", "author", "doc"]
        rows = self._index.query("documents", _condition(filters), fields)
        found = [
            (row["ref"], _info(json.loads(row["info"])), row["chunks"], row["chars"])
            for row in rows
            if _meets(self._store, filters, row)
        ]
        yield from sorted(found, key=lambda row: (row[1].doc, row[1].part))

    def counts(self) -> tuple[int, int, dict[str, int]]:
        """Documents, chunks, and documents by kind."""
        with self.snapshot():
            if self.space() is None:
                return 0, 0, {}
            by_kind: dict[str, int] = {}
            for kind in sorted(KINDS):
                condition = f'kind == "{kind}"'
                rows = self._index.call("query", "documents", filter=condition, output_fields=["count(*)"])
                if count := int(rows[0]["count(*)"]):
                    by_kind[kind] = count
            return sum(by_kind.values()), self._total("chunks"), by_kind

    def dates(self) -> tuple[str | None, str | None]:
        """The oldest and the newest day of a document, as YYYY-MM-DD; None where no document has a date."""
        owners = [value for key, value in self._index.meta().items() if key != "space"]
        oldest = [owner["oldest"] for owner in owners if owner["oldest"]]
        newest = [owner["newest"] for owner in owners if owner["newest"]]
        return min(oldest, default=None), max(newest, default=None)

    def close(self) -> None:
        """Ends the connection."""
        self._index.close()

    def _total(self, name: str) -> int:
        return sum(value[name] for key, value in self._meta.items() if key != "space")

    def _search(
        self, field: str, data: Sequence[Any], k: int, condition: str, fields: Sequence[str]
    ) -> list[list[dict[str, Any]]]:
        """The best rows for each of `data`, with their `distance` to it."""
        found = self._index.call(
            "search",
            "chunks",
            data=list(data),
            anns_field=field,
            limit=k,
            filter=condition,
            output_fields=list(fields),
        )
        return [[{**hit["entity"], "distance": hit["distance"]} for hit in hits] for hits in found]

    def _words(self, query: str, mean: float) -> list[_Word]:
        """The words of a query that are looked for."""
        asked = query_words(query)
        split = Tokenizer(self._store).words([word for _, word in asked])
        tokens = [tuple(token(term) for term in terms) for terms in split]
        rarity = self._rarities(sorted({one for its in tokens for one in its}), mean)
        return [
            _Word(its, max(rarity[one] for one in its), place)
            for its, (place, _) in zip(tokens, asked, strict=True)
            if its
        ]

    def _rarities(self, tokens: Sequence[str], mean: float) -> dict[str, float]:
        """How rare each token is, as FTS5 has it. The best chunk for one token scores log(1 + odds) times what its
        count and length make, which is known here; FTS5's is log(odds)."""
        if not tokens:
            return {}
        rare = math.log(2 * self._total("chunks") + 1)  # of what is nowhere
        found = {}
        for one, hits in zip(tokens, self._search("sparse", tokens, 1, "", ["words"]), strict=True):
            share = _share(hits[0]["words"].split(), (one,), mean) if hits else 0.0
            # Milvus Lite gives the negative of the score.
            odds = math.expm1(abs(hits[0]["distance"]) / share) if share else 0.0
            found[one] = max(_LEAST_IDF, math.log(odds)) if odds > 0 else rare
        return found

    def _look_up(self, keys: set[str]) -> None:
        """Numbers those of the documents that are visible."""
        if not keys:
            return
        condition = f"key in {json.dumps(sorted(keys))}"
        rows = list(self._index.query("documents", condition, ["key", "version", "ref", "info"]))
        for row in sorted(rows, key=lambda row: str(row["key"])):
            number = len(self._documents)
            self._documents[row["key"]] = number
            self._known[number] = _known(row)

    def _chunk(self, chunk: int) -> StoredChunk:
        row, known = self._rows[chunk], self._known[chunk >> _ORDINAL_BITS]
        text = row["text"] or self.document(known.ref).text[row["start"] : row["finish"]]
        return StoredChunk(
            id=chunk, document_id=chunk >> _ORDINAL_BITS, document_ref=known.ref, info=known.info, start=row["start"],
            end=row["finish"], heading=tuple(json.loads(row["heading"])), page=row["page"] or None,
            columns=row["columns"], header=row["header"], text=text,
        )  # fmt: skip

    def _find(self, ref: str) -> _Known:
        if self.space() is None:
            raise holds_none(ref)
        by_ref = f'ref == "{ref}"' if _REF.fullmatch(ref) else ""
        fields = ["key", "version", "ref", "info", "doc"]
        rows = list(self._index.query("documents", by_ref, fields)) if by_ref else []
        if not rows:
            rows = list(self._index.query("documents", f'doc like "{_literal(ref)}"', fields))
            rows = [row for row in rows if row["doc"] == ref]
            if len(rows) > 1:
                raise holds_many(ref)
        if not rows:
            raise holds_none(ref)
        return _known(rows[0])


def _known(row: Row) -> _Known:
    return _Known(row["key"], row["version"], row["ref"], _info(json.loads(row["info"])))


def _info(fields: Mapping[str, Any]) -> DocumentInfo:
    lists = {name: tuple(fields[name]) for name in ("recipients", "references")}
    return DocumentInfo(**{**fields, **lists})


def _share(tokens: Sequence[str], word: Sequence[str], mean: float) -> float:
    """What BM25 makes of a word's count in a chunk, 0 to K1 + 1, before its rarity comes in."""
    counts = Counter(tokens)
    count = min(counts[one] for one in word)
    if not count or (len(word) > 1 and not _follows(tokens, word)):
        return 0.0
    return count * (K1 + 1) / (count + K1 * (1 - B + B * len(tokens) / mean))


def _follows(tokens: Sequence[str], word: Sequence[str]) -> bool:
    return any(tuple(tokens[at : at + len(word)]) == tuple(word) for at in range(len(tokens)))


def _score(tokens: Sequence[str], words: Sequence[_Word], mean: float) -> float:
    return sum(word.idf * _share(tokens, word.tokens, mean) for word in words)


def _condition(filters: Filters) -> str:
    """The filters in Milvus's words. It has no way to quote its wildcards, so that more may meet them: see `_meets`."""
    parts = [f"kind in {json.dumps(list(filters.kinds))}"] if filters.kinds else []
    if filters.sender:
        parts.append(f'author like "%{_literal(filters.sender.casefold())}%"')
    if filters.after:
        parts.append(f'day >= "{filters.after.isoformat()}"')
    if filters.before:
        parts.append(f'day != "" and day < "{filters.before.isoformat()}"')
    if filters.source:
        wild = _is_pattern(filters.source)
        parts.append(f'doc like "{_pattern(filters.source) if wild else f"%{_literal(filters.source)}%"}"')
    return " and ".join(parts)


def _is_pattern(source: str) -> bool:
    return any(character in source for character in "*?[")


def _literal(text: str) -> str:
    """A text as a pattern that finds it: what can't be said is any character."""
    return re.sub(r"""[_%\\"'\s]""", "_", text)


def _pattern(source: str) -> str:
    """A pattern of the shell as one that finds at least as much."""
    return _literal(re.sub(r"\[\^?\]?[^\]]*\]|\?", "_", source)).replace("*", "%")


def _meets(store: Store, filters: Filters, row: Row) -> bool:
    """Whether a row that Milvus found meets the filters to the letter."""
    if filters.sender and filters.sender.casefold() not in row["author"]:
        return False
    if not filters.source:
        return True
    pattern = filters.source if _is_pattern(filters.source) else f"*{filters.source}*"
    return bool(store.connection.execute("SELECT ? GLOB ?", (row["doc"], pattern)).fetchone()[0])
