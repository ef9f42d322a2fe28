"""The sample questions, searched only: the document that answers is among the passages that a model would read."""

import json
from pathlib import Path

from kb import KnowledgeBase

SAMPLES = Path(__file__).parent.parent / "sample_docs"
QUESTIONS = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()]


def rank(kb: KnowledgeBase, question: dict[str, object]) -> int | None:
    """Where the first document that answers stands among the eight hits; None where it does not."""
    docs = question["docs"]
    assert isinstance(docs, list)
    hits = kb.search(str(question["question"]), k=8).hits
    return next((hit.rank for hit in hits if any(hit.info.doc.endswith(doc) for doc in docs)), None)


def test_every_sample_question_finds_a_document_that_answers_it(sample_kb: KnowledgeBase) -> None:
    """What is not found can't be answered, and what stands far down is read by nobody."""
    ranks = {entry["id"]: rank(sample_kb, entry) for entry in QUESTIONS if entry["answerable"]}
    assert [question for question, found in ranks.items() if found is None] == []
    assert sum(found is not None and found <= 3 for found in ranks.values()) >= 28, ranks
