"""txtai: its Textractor, an embeddings database with content, and its RAG pipeline.

Its defaults are paragraphs by cosine. Its best documented setting is a recursive chunker with chunks of about the
embedding model's window, and `hybrid`, which adds BM25.
"""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from serving import Job, Passage, Reply, keep_weights_as_they_are, serve
from txtai import RAG, Embeddings
from txtai.pipeline import Textractor

_WINDOW = 1000  # characters: some 250 tokens
_CONTEXT = 3  # passages that RAG reads
# As in its RAG quickstart.
_SYSTEM = "You are a friendly assistant"
_TEMPLATE = """
Answer the following question using the provided context.

Question:
{question}

Context:
{context}
"""


class TxtaiAdapter:
    """A passage's id names its file and where in the file it begins."""

    version = version("txtai")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._loaded: Any = None
        self._rag: Any = None

    def ingest(self) -> int:
        embeddings = Embeddings(path=str(self._job.embedder), content=True, hybrid=self._job.best)
        embeddings.index(self._passages())
        embeddings.save(str(self._job.index))
        return int(embeddings.count())

    def search(self, question: str, k: int) -> Sequence[Passage]:
        return [_passage(found) for found in self._embeddings().search(question, k)]

    def ask(self, question: str) -> Reply:
        if self._rag is None:
            keep_weights_as_they_are()
            self._rag = RAG(
                self._embeddings(), str(self._job.llm), system=_SYSTEM, template=_TEMPLATE, output="flatten",
                context=_CONTEXT,
            )  # fmt: skip
        text = self._rag(question, maxlength=512)
        sources = [passage.document for passage in self.search(question, _CONTEXT)]
        return Reply(text, sources, self._rag.model.generator.llm.n_tokens)

    def _passages(self) -> Iterator[tuple[str, str, None]]:
        cut = {"chunker": "recursive", "chunk_size": _WINDOW} if self._job.best else {"paragraphs": True}
        textractor = Textractor(**cut)
        for path in sorted(self._job.documents.rglob("*")):
            if not path.is_file():
                continue
            text, end = path.read_text("utf-8"), 0
            for number, passage in enumerate(textractor(str(path))):
                start = text.find(passage, end)
                end = start + len(passage) if start >= 0 else end
                yield f"{path.name}|{number}|{start}", passage, None

    def _embeddings(self) -> Any:
        if self._loaded is None:
            self._loaded = Embeddings()
            self._loaded.load(str(self._job.index))
        return self._loaded


def _passage(found: dict[str, Any]) -> Passage:
    document, _, start = found["id"].split("|")
    at = int(start) if int(start) >= 0 else None
    text = found["text"]
    return Passage(document, text, found["score"], start=at, end=None if at is None else at + len(text))


if __name__ == "__main__":
    serve(TxtaiAdapter)
