"""haiku.rag: Docling's reader and chunker, and LanceDB.

Its defaults are chunks of 256 tokens and its hybrid search; its reranker needs a model of its own and is off by
default. Chunks are counted by the embedding model's tokenizer: the one that it counts by would have to be fetched. Its
answers are an agent's.
"""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from haiku.rag.client import HaikuRAG
from haiku.rag.config import AppConfig
from serving import Job, Passage, Reply, serve

_DIMENSIONS = 384


class HaikuAdapter:
    """A passage's document is the name of the file in its URI."""

    version = version("haiku.rag-slim")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._loop = asyncio.Runner()
        self._config = _config(job)
        self._database = job.index / "documents.lancedb"
        self._client: Any = None

    def ingest(self) -> int:
        self._job.index.mkdir(parents=True, exist_ok=True)
        return int(self._loop.run(self._ingest()))

    def search(self, question: str, k: int) -> Sequence[Passage]:
        found = self._loop.run(self._opened().search(question, limit=k))
        return [_passage(result) for result in found]

    def ask(self, question: str) -> Reply:
        raise NotImplementedError("its agent calls tools, which the language model at hand does not")

    async def _ingest(self) -> int:
        async with HaikuRAG(self._database, self._config, create=True) as client:
            for path in sorted(self._job.documents.rglob("*")):
                if path.is_file():
                    await client.create_document_from_source(path)
            return await client.chunk_repository.store.chunks_table.count_rows()

    def _opened(self) -> Any:
        if self._client is None:
            self._client = HaikuRAG(self._database, self._config, read_only=True)
            self._loop.run(self._client.__aenter__())
        return self._client


def _config(job: Job) -> AppConfig:
    embedder = {"provider": "sentence-transformers", "name": str(job.embedder), "vector_dim": _DIMENSIONS}
    return AppConfig.model_validate(
        {
            "embeddings": {"model": embedder},
            "processing": {"chunking_tokenizer": str(job.embedder)},
        }
    )


def _passage(found: Any) -> Passage:
    return Passage(_name(found.document_uri), found.content, found.score)


def _name(uri: str) -> str:
    return Path(unquote(urlsplit(uri).path)).name


if __name__ == "__main__":
    serve(HaikuAdapter)
