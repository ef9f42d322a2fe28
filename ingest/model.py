"""The embedding model of a run, with its vectors in the store: no text is embedded twice."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ingest.chunker import Chunker
from ingest.embedder import Embedder, ModelFolder
from retrieval.encoder import TOKENIZER
from retrieval.errors import EmbedderMismatch
from retrieval.store import Space
from retrieval.writer import Writer, text_digest

_Vectors = dict[int, NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Texts that are being embedded: their digests in order, the texts by digest, which of them are `new`, with their
    vectors to come, and the vectors that were there."""

    digests: list[int]
    texts: dict[int, str]
    new: list[int]
    coming: Future[NDArray[np.float32]]
    known: _Vectors


class Model:
    """An embedding model with its space in the store. It embeds in a thread of its own; everything else is for one
    thread. To be closed."""

    def __init__(self, folder: ModelFolder, writer: Writer, *, must_match: bool) -> None:
        """Raises EmbedderMismatch when the store's vectors come from other model files and `must_match`."""
        self.folder = folder
        self._writer = writer
        fingerprint = folder.fingerprint()
        active = writer.store.space()
        if must_match and active is not None and active.fingerprint != fingerprint:
            raise EmbedderMismatch(
                f"the knowledge base in {writer.store.folder} was built with another version of {folder.name}: "
                "run kb reindex first"
            )
        self.embedder = Embedder(folder)
        self.space: Space = writer.add_space(
            folder.name, fingerprint, self.embedder.dimensions, self.embedder.max_tokens
        )
        self.chunker = Chunker(Tokenizer.from_file(str(folder.path / TOKENIZER)), self.embedder.max_tokens)
        self._thread = ThreadPoolExecutor(1, "embedder")
        self._coming: set[int] = set()

    def close(self) -> None:
        """Ends the thread; what is being embedded is given up."""
        self.embedder.stop()
        self._thread.shutdown(cancel_futures=True)

    def embed(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[int]]:
        """The vectors of `texts` (float32, (len(texts), dimensions), unit length) and their digests. A text that is
        in the store or comes twice is not embedded again."""
        embedding = self.begin(texts)
        return self.vectors(embedding), embedding.digests

    def begin(self, texts: Sequence[str]) -> Embedding:
        """Begins to embed `texts`, but for those that are in the store or on their way there."""
        digests = [text_digest(text) for text in texts]
        by_digest = dict(zip(digests, texts, strict=True))
        known: _Vectors = dict(self._writer.known_vectors(by_digest, self.space).items())
        new = [digest for digest in by_digest if digest not in known and digest not in self._coming]
        self._coming.update(new)
        coming = self._thread.submit(self.embedder.encode, [by_digest[digest] for digest in new])
        return Embedding(digests, by_digest, new, coming, known)

    def vectors(self, embedding: Embedding) -> NDArray[np.float32]:
        """The vectors of the texts, in order, once they are there. What was begun before must be stored by now."""
        known = embedding.known
        known.update(zip(embedding.new, embedding.coming.result(), strict=True))
        self._coming.difference_update(embedding.new)
        others = [digest for digest in embedding.texts if digest not in known]
        known.update(self._writer.known_vectors(others, self.space))
        if lost := [
            digest for digest in others if digest not in known
        ]:  # removed again before it was used here
            again = self._thread.submit(self.embedder.encode, [embedding.texts[digest] for digest in lost])
            known.update(zip(lost, again.result(), strict=True))
        found = np.empty((len(embedding.digests), self.space.dimensions), dtype=np.float32)
        for row, digest in enumerate(embedding.digests):
            found[row] = known[digest]
        return found
