"""haiku.rag: its client, with the embedding model through sentence-transformers.

Only its tokenizer for chunks is set besides, as its default one would be fetched. Its answers need a served model that
calls tools, which the small local one does not do, so it only searches here.
"""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from haiku.rag.client import HaikuRAG
from haiku.rag.config import AppConfig
from serving import Job, Passage, Reply, serve


class HaikuAdapter:
    """The client is asynchronous: everything runs in one loop, where it stays open."""

    version = version("haiku.rag-slim")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._loop = asyncio.new_event_loop()
        self._client: Any = None
        embedder = str(job.embedder)
        self._config = AppConfig.model_validate(
            {
                "embeddings": {
                    "model": {"provider": "sentence-transformers", "name": embedder, "vector_dim": 384}
                },
                "processing": {"chunking_tokenizer": embedder},
            }
        )

    def ingest(self) -> int:
        return self._loop.run_until_complete(self._ingest())

    def search(self, question: str, k: int) -> Sequence[Passage]:
        return self._loop.run_until_complete(self._search(question, k))

    def ask(self, question: str) -> Reply:
        raise NotImplementedError("it needs a served model that calls tools")

    async def _ingest(self) -> int:
        async with HaikuRAG(self._database(), self._config, create=True) as client:
            for path in sorted(self._job.documents.rglob("*")):
                if path.is_file():
                    await client.create_document_from_source(path)
            return int(await client.store.chunks_table.count_rows())

    async def _search(self, question: str, k: int) -> list[Passage]:
        if self._client is None:
            self._client = HaikuRAG(self._database(), self._config, read_only=True)
            await self._client.__aenter__()
        return [
            Passage(Path(found.document_uri).name, found.content, found.score)
            for found in await self._client.search(question, limit=k)
        ]

    def _database(self) -> Path:
        return self._job.index / "haiku.lancedb"


if __name__ == "__main__":
    serve(HaikuAdapter)
