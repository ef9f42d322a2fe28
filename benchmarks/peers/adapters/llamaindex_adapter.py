"""LlamaIndex: its directory reader, vector index and query engine, as in its tutorial for local models.

Its defaults are chunks of 1,024 tokens (of which the embedding model reads 256) by cosine. Its best documented setting
is chunks of the model's window and a fusion with BM25 by reciprocal ranks.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from llama_index.core import (
    Settings,
    SimpleDirectoryReader,
    StorageContext,
    VectorStoreIndex,
    load_index_from_storage,
)  # fmt: skip
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from serving import Job, Passage, Reply, keep_weights_as_they_are, serve

_WINDOW = 256
# The model's own template with the system message that it is given where there is none.
_CHAT = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)


class LlamaIndexAdapter:
    """Keeps the index in memory, as its default store does."""

    version = version("llama-index-core")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._loaded: Any = None
        self._engine: Any = None
        Settings.embed_model = HuggingFaceEmbedding(model_name=str(job.embedder))
        Settings.llm = None
        if job.best:
            Settings.chunk_size, Settings.chunk_overlap = _WINDOW, 20

    def ingest(self) -> int:
        documents = SimpleDirectoryReader(str(self._job.documents), recursive=True).load_data()
        index = VectorStoreIndex.from_documents(documents)
        index.storage_context.persist(persist_dir=str(self._job.index))
        return len(index.docstore.docs)

    def search(self, question: str, k: int) -> Sequence[Passage]:
        return [self._passage(found) for found in self._retriever(k).retrieve(question)]

    def ask(self, question: str) -> Reply:
        if self._engine is None:
            self._engine = self._query_engine()
        response = self._engine.query(question)
        sources = [node.metadata["file_path"] for node in response.source_nodes]
        return Reply(str(response), sources, Settings.llm._model.n_tokens)

    def _index(self) -> Any:
        if self._loaded is None:
            storage = StorageContext.from_defaults(persist_dir=str(self._job.index))
            self._loaded = load_index_from_storage(storage)
        return self._loaded

    def _retriever(self, k: int) -> Any:
        dense = self._index().as_retriever(similarity_top_k=k)
        return self._fused(dense, k) if self._job.best else dense

    def _fused(self, dense: Any, k: int) -> Any:
        from llama_index.core.retrievers import QueryFusionRetriever

        return QueryFusionRetriever(
            [dense, self._by_words(k)], mode="reciprocal_rerank", similarity_top_k=k, num_queries=1, use_async=False,
        )  # fmt: skip

    def _by_words(self, k: int) -> Any:
        from llama_index.retrievers.bm25 import BM25Retriever

        if not hasattr(self, "_words"):
            self._words = BM25Retriever.from_defaults(docstore=self._index().docstore, similarity_top_k=k)
        return self._words

    def _query_engine(self) -> Any:
        from llama_index.llms.llama_cpp import LlamaCPP

        keep_weights_as_they_are()
        Settings.llm = LlamaCPP(
            model_path=str(self._job.llm), completion_to_prompt=_CHAT.format, temperature=0.0, verbose=False
        )
        if not self._job.best:
            return self._index().as_query_engine()
        from llama_index.core.query_engine import RetrieverQueryEngine

        return RetrieverQueryEngine.from_args(self._retriever(4))

    @staticmethod
    def _passage(found: Any) -> Passage:
        page = found.metadata.get("page_label", "")
        return Passage(
            Path(found.metadata["file_path"]).name,
            found.text,
            found.score,
            int(page) if page.isdigit() else None,
        )


if __name__ == "__main__":
    serve(LlamaIndexAdapter)
