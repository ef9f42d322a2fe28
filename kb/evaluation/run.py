"""Asks the questions and judges what comes back."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kb.evaluation.measures import DEPTH
from kb.evaluation.questions import Question
from kb.evaluation.results import Result, judge_answer, judge_hits

if TYPE_CHECKING:
    from kb.evaluation.journal import Journal
    from kb.knowledge import KnowledgeBase


@dataclass(frozen=True, slots=True)
class About:
    """What is measured how. Runs of which this is the same can be put together. `questions` is a digest of them;
    `model` is None when only retrieval is measured."""

    questions: str
    documents: int
    chunks: int
    embedder: str
    model: str | None
    version: str

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


def about(kb: "KnowledgeBase", questions: Sequence[Question], model: str | None) -> About:
    """What a run of these questions measures."""
    from kb import __version__

    status = kb.status()
    digest = hashlib.sha256(repr(questions).encode("utf-8", "replace")).hexdigest()[:16]
    return About(digest, status.documents, status.chunks, status.embedder, model, __version__)


def measure(
    kb: "KnowledgeBase", questions: Sequence[Question], model: str | None, journal: "Journal | None" = None
) -> Iterator[Result]:
    """The questions' results in their order; those that the journal has are not asked again. No language model is
    loaded when `model` is None."""
    asked = False
    for question in questions:
        kept = journal.results.get(question.id) if journal else None
        if kept is not None:
            yield kept
            continue
        if not asked:
            kb.search(question.text)  # what is loaded once is no part of a search
            asked = True
        result = ask_one(kb, question, model)
        if journal:
            journal.add(result)
        yield result


def ask_one(kb: "KnowledgeBase", question: Question, model: str | None) -> Result:
    """The result of one question."""
    found = given = None
    if question.places:
        hits = kb.search(question.text, k=DEPTH)
        found = judge_hits(hits.hits, question.places, hits.timings_ms["total"])
    if model is not None:
        given = judge_answer(kb.ask(question.text, model=model), question)
    return Result(question.id, question.text, question.answers, question.answerable, found, given)
