"""Knowledge bases of any size for `benchmarks.scale`: the documents of the public sets, repeated and perturbed.

The first copy is the real thing. In each further one a quarter of the words are drawn anew from the whole corpus by
their frequency and one in a hundred becomes an identifier that nobody has used, so that the vocabulary grows as that
of real documents does; each vector gets noise (cosine about 0.94 to the real one) and is normalised again.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.store import Space, Store
from retrieval.types import Chunk, DocumentInfo
from retrieval.writer import NewDocument, Writer

_SWAPPED, _INVENTED = 0.25, 0.01  # shares of the words of a copy
_NOISE = 0.36  # length of the noise that is added to a unit vector
_PIECES = re.compile(r"(\W+)")


@dataclass(frozen=True, slots=True)
class Source:
    """A real document: `texts` are those of its chunks, `vectors` float32 (chunks, dimensions)."""

    info: DocumentInfo
    ref: str
    texts: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    vectors: NDArray[np.float32]


def read_sources(folder: Path) -> Iterator[Source]:
    """The documents of a knowledge base with their stored vectors."""
    with Store.open(folder) as store:
        for ref, info, _, _ in list(store.documents()):
            document = store.document(ref)
            rows = store.connection.execute(
                'SELECT c.start, c."end", c.header, c.heading, c.page, c.columns, v.vector FROM chunks c '
                "JOIN vectors v ON v.chunk_id = c.id WHERE c.document_id = ? ORDER BY c.id",
                (document.id,),
            ).fetchall()
            if rows:
                chunks = tuple(Chunk(*row[:3], tuple(json.loads(row[3])), *row[4:6]) for row in rows)
                vectors = np.stack([np.frombuffer(row[6], np.float16) for row in rows]).astype(np.float32)
                texts = tuple(document.text[chunk.start : chunk.end] for chunk in chunks)
                yield Source(info, ref, texts, chunks, vectors)


class Corpus:
    """Documents without end, the same ones for the same seed."""

    def __init__(self, sources: list[Source], seed: int = 1) -> None:
        self._sources = sources
        self._rng = np.random.default_rng(seed)
        counts = Counter(
            word for source in sources for text in source.texts for word in _PIECES.split(text)[::2] if word
        )
        self._words = np.array(list(counts), dtype=object)
        frequency = np.fromiter(counts.values(), dtype=np.float64)
        self._cumulative = np.cumsum(frequency / frequency.sum())

    def documents(self) -> Iterator[tuple[str, NewDocument]]:
        """Pairs of file and document; all mail of one copy lies in one file."""
        copy = 0
        while True:
            for number in self._rng.permutation(len(self._sources)):
                yield self._document(self._sources[number], copy)
            copy += 1

    def _document(self, source: Source, copy: int) -> tuple[str, NewDocument]:
        texts = source.texts if copy == 0 else [self._perturbed(text) for text in source.texts]
        vectors = source.vectors
        if copy:
            noise = self._rng.standard_normal(vectors.shape, dtype=np.float32)
            vectors = vectors + noise * np.float32(_NOISE / vectors.shape[1] ** 0.5)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        chunks, at = [], 0
        for chunk, text in zip(source.chunks, texts, strict=True):
            chunks.append(replace(chunk, start=at, end=at + len(text)))
            at += len(text) + 2
        doc = f"copy{copy:03}/{source.info.doc}"
        ref = f"{copy:x}-{source.ref}"
        about = replace(source.info, doc=doc)
        return doc, NewDocument(about, ref, ref, "[]", "\n\n".join(texts), chunks, vectors)

    def _perturbed(self, text: str) -> str:
        pieces = _PIECES.split(text)
        words = len(pieces[::2])
        chance = self._rng.random(words)
        swapped = np.flatnonzero(chance < _SWAPPED)
        drawn = np.searchsorted(self._cumulative, self._rng.random(len(swapped)))
        for at, word in zip(swapped, np.minimum(drawn, len(self._words) - 1), strict=True):
            pieces[2 * at] = self._words[word]
        for at in np.flatnonzero(chance > 1 - _INVENTED):
            pieces[2 * at] = f"x{self._rng.integers(36**7):x}"
        return "".join(pieces)


def fill(
    writer: Writer, space: Space, corpus: Corpus, size: int, slices: int, save: Callable[[], None], every: int
) -> tuple[list[float], list[float]]:
    """Stores documents until there are `size` chunks, and calls `save` after each `every` chunks. Chunks a second of
    each slice, without and with the saves."""
    bare, whole = [], []
    stored = saved = 0
    documents = corpus.documents()
    for number in range(slices):
        began, writing_s, saving_s = stored, 0.0, 0.0
        while stored < size * (number + 1) // slices:
            doc, document = next(documents)
            started = time.perf_counter()
            file_id = writer.begin_file(b"/" + doc.encode(), doc)
            writer.put(file_id, document, space)
            writing_s += time.perf_counter() - started
            stored += len(document.chunks)
            if stored - saved >= every:
                started = time.perf_counter()
                save()
                saving_s += time.perf_counter() - started
                saved = stored
        if stored == began:  # the document before reached beyond this slice
            continue
        bare.append((stored - began) / writing_s)
        whole.append((stored - began) / (writing_s + saving_s))
        print(f"   {stored:,} chunks: {bare[-1]:.0f} a second, with saving {whole[-1]:.0f}", flush=True)
    return bare, whole
