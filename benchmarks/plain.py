"""What a plain prompt makes of the same questions and model: the four nearest passages, and "else reply NOT FOUND".

The passages and their vectors are those of `baseline`: 160 words with 30 of overlap, ranked by cosine alone.
"""

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.baseline import passages
from generation.llm import LocalModel
from generation.types import Answer, Citation
from ingest.embedder import Embedder
from kb.evaluation.questions import Question
from kb.evaluation.results import Result, judge_answer
from retrieval.types import Hit

_PASSAGES, _MAX_TOKENS = 4, 96
_REFUSAL = "NOT FOUND"
_SYSTEM = (
    "Answer the question in one short sentence from the sources below, and cite them like [1]. If the sources do not "
    f"hold the answer, reply {_REFUSAL}."
)
_MARK = re.compile(r"\[(\d)\]")


def ask(docs: Path, questions: Sequence[Question], embedder: Embedder, model: LocalModel) -> Iterator[Result]:
    """The result of each question over the Markdown files of a folder."""
    texts, hits = zip(*passages(docs), strict=True)
    vectors = embedder.encode(texts)
    for question in questions:
        started = time.perf_counter()
        nearest = np.argsort(-(vectors @ embedder.encode([question.text])[0]), kind="stable")[:_PASSAGES]
        answer = _answer(model, question.text, [hits[n] for n in nearest], started)
        given = judge_answer(answer, question)
        yield Result(question.id, question.text, question.answers, question.answerable, None, given)


def _answer(model: LocalModel, question: str, hits: Sequence[Hit], started: float) -> Answer:
    sources = "\n\n".join(f"[{n}] {hit.info.title}\n{hit.text}" for n, hit in enumerate(hits, start=1))
    prompt = model.prompt(_SYSTEM, f"{sources}\n\nQuestion: {question}")
    timings: dict[str, float] = {}
    text, made = "", 0
    # Where a refusal is the most probable beginning it is one.
    for piece in model.complete(prompt, _MAX_TOKENS, lambda refusal: refusal < 0.5):
        timings.setdefault("first_token", 1000 * (time.perf_counter() - started))
        text, made = text + piece.text, piece.tokens
    timings["total"] = 1000 * (time.perf_counter() - started)
    refused = not text.strip() or _REFUSAL in text
    numbers = dict.fromkeys(int(n) for n in _MARK.findall(text) if 1 <= int(n) <= len(hits))
    cited = tuple(
        Citation(n, hit.ref, hit.info, hit.start, hit.end, hit.text)
        for n, hit in enumerate(hits, start=1)
        if n in numbers
    )
    return Answer(
        question, "not_found" if refused else "answered", text.strip(), () if refused else cited, (), tuple(hits),
        model.name, "", prompt_tokens=len(prompt), completion_tokens=made, timings_ms=timings,
    )  # fmt: skip
