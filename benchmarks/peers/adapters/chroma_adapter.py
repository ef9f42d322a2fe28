"""Chroma with sentence-transformers. It brings neither a reader nor a splitter nor a language model.

The splitter is LangChain's recursive one: by default with the sizes of LangChain's tutorial, at best with 200 tokens
and no overlap, one of the settings of Chroma's own study of splitters. Both search by distance.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import chromadb
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction
from langchain_text_splitters import RecursiveCharacterTextSplitter
from serving import Job, Passage, Reply, serve

_COLLECTION = "documents"
_BATCH = 1000  # chunks handed over at once


class ChromaAdapter:
    """Chunks are documents of one collection."""

    version = version("chromadb")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._embed = SentenceTransformerEmbeddingFunction(model_name=str(job.embedder))
        self._opened: Any = None

    def ingest(self) -> int:
        client = chromadb.PersistentClient(path=str(self._job.index))
        collection = client.create_collection(_COLLECTION, embedding_function=self._embed)
        ids, texts, places = [], [], []
        splitter = self._splitter()
        for path in sorted(self._job.documents.rglob("*")):
            if path.is_file():
                for piece in splitter.create_documents([path.read_text("utf-8")]):
                    ids.append(str(len(ids)))
                    texts.append(piece.page_content)
                    places.append({"document": path.name, "start": piece.metadata["start_index"]})
        for first in range(0, len(ids), _BATCH):
            rows = slice(first, first + _BATCH)
            collection.add(ids=ids[rows], documents=texts[rows], metadatas=places[rows])
        return int(collection.count())

    def search(self, question: str, k: int) -> Sequence[Passage]:
        if self._opened is None:
            client = chromadb.PersistentClient(path=str(self._job.index))
            self._opened = client.get_collection(_COLLECTION, embedding_function=self._embed)
        found = self._opened.query(query_texts=[question], n_results=k)
        rows = zip(found["documents"][0], found["metadatas"][0], found["distances"][0], strict=True)
        return [
            Passage(place["document"], text, -distance, start=place["start"], end=place["start"] + len(text))
            for text, place, distance in rows
        ]

    def ask(self, question: str) -> Reply:
        raise NotImplementedError("Chroma answers no questions")

    def _splitter(self) -> Any:
        if not self._job.best:
            return RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(self._job.embedder))
        return RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
            tokenizer, chunk_size=200, chunk_overlap=0, add_start_index=True
        )


if __name__ == "__main__":
    serve(ChromaAdapter)
