"""kb: through its façade, as its commands call it."""

from collections.abc import Sequence

from serving import Job, Passage, Reply, serve

from kb import KnowledgeBase


class KbAdapter:
    """There is one setting: the default one."""

    version = ""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._opened: KnowledgeBase | None = None

    def ingest(self) -> int:
        with KnowledgeBase.open(self._job.index, create=True) as kb:
            kb.ingest([self._job.documents])
            return kb.status().chunks

    def search(self, question: str, k: int) -> Sequence[Passage]:
        return [
            Passage(
                hit.info.doc, hit.text, hit.score, hit.page, hit.start, hit.end, hit.info.message_id,
                tuple(copy.info.message_id for copy in hit.copies if copy.info.message_id),
            )
            for hit in self._kb().search(question, k=k).hits
        ]  # fmt: skip

    def ask(self, question: str) -> Reply:
        answer = self._kb().ask(question)
        cited = [citation.info.doc for citation in answer.citations]
        tokens = answer.prompt_tokens + answer.completion_tokens
        return Reply(answer.text, cited, tokens, answer.status != "answered")

    def _kb(self) -> KnowledgeBase:
        if self._opened is None:
            self._opened = KnowledgeBase.open(self._job.index)
        return self._opened


if __name__ == "__main__":
    serve(KbAdapter)
