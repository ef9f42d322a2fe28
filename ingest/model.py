"""The embedding model of a run, with its vectors in the store: no text is embedded twice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ingest.chunker import Chunker
from ingest.embedder import Embedder, ModelFolder
from retrieval.encoder import TOKENIZER
from retrieval.errors import EmbedderMismatch
from retrieval.store import Space
from retrieval.writer import Writer, text_digest


class Model:
    """An embedding model with its space in the store."""

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

    def embed(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[int]]:
        """The vectors of `texts` (float32, (len(texts), dimensions), unit length) and their digests. A text that is
        in the store or comes twice is not embedded again."""
        digests = [text_digest(text) for text in texts]
        new = dict(zip(digests, texts, strict=True))
        known: dict[int, NDArray[np.floating]] = dict(self._writer.known_vectors(new, self.space).items())
        new = {digest: text for digest, text in new.items() if digest not in known}
        if new:
            known.update(zip(new, self.embedder.encode(list(new.values())), strict=True))
        vectors = np.empty((len(texts), self.space.dimensions), dtype=np.float32)
        for row, digest in enumerate(digests):
            vectors[row] = known[digest]
        return vectors, digests
