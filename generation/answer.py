"""From a question and its hits to a checked answer, as a stream of events."""

import re
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from generation.abstain import MIN_COSINE, refusal_limit
from generation.context import build_context
from generation.prompt import NOT_FOUND, SYSTEM, SYSTEM_LONG, user_prompt
from generation.types import Answer, Event, Status, Token, Turn
from generation.verify import Checked, check
from retrieval.types import Hit

if TYPE_CHECKING:
    from generation.llm import LocalModel

# Tokens an answer may have: two sentences, and with `long` about five.
_MAX_TOKENS, _MAX_TOKENS_LONG = 96, 320
_NOT_FOUND_TEXT = "The documents do not say."
_REFUSAL = re.compile(rf"\b{NOT_FOUND}\b|^not found\b", re.IGNORECASE)


class Answerer:
    """Answers questions with one loaded model; `load` is called when the first answer needs it."""

    def __init__(
        self, load: "Callable[[], LocalModel]", encode: Callable[[Sequence[str]], NDArray[np.float32]]
    ) -> None:
        self._load = load
        self._encode = encode

    def answer(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        long: bool = False,
        history: Sequence[Turn] = (),
        started: float | None = None,
        timings: dict[str, float] | None = None,
    ) -> Generator[Event, None, None]:
        """Yields `Token`s of the draft, then one `Answer`. `started` (`time.perf_counter`) is the moment that
        timings count from; `timings` are those measured before. Closing the iterator stops the model."""
        started = time.perf_counter() if started is None else started
        timings = dict(timings or {})

        def since() -> float:
            return (time.perf_counter() - started) * 1000

        best = max((hit.dense for hit in hits if hit.dense is not None), default=0.0)
        if not hits or best < MIN_COSINE:
            timings["total"] = since()
            why = f"no passage is near the question (best cosine {best:.2f}, needs {MIN_COSINE})"
            yield _not_found(question, hits, model="", why=why, timings=timings)
            return
        model = self._load()
        passages = build_context(question, hits, self._encode, model.count)
        tokens = model.prompt(SYSTEM_LONG if long else SYSTEM, user_prompt(question, passages, history))
        refusal = 0.0

        def may_begin(probability: float) -> bool:
            nonlocal refusal
            refusal = probability
            return probability < refusal_limit(best)

        draft, made = "", 0
        for piece in model.complete(tokens, _MAX_TOKENS_LONG if long else _MAX_TOKENS, may_begin):
            timings.setdefault("first_token", since())
            draft, made = draft + piece.text, piece.tokens
            yield Token(piece.text)
        checked = check(draft, passages, question, self._similarity)
        status, why = _judge(draft, checked)
        why += f" (best cosine {best:.2f}, refusal {refusal:.2f}, limit {refusal_limit(best):.2f})"
        timings["total"] = since()
        if status == "not_found":
            yield _not_found(
                question, hits, model.name, why, timings, prompt_tokens=len(tokens), completion_tokens=made
            )
            return
        yield Answer(
            question=question, status=status, text=checked.text, citations=checked.citations,
            sentences=checked.sentences, hits=tuple(hits), model=model.name, why=why, prompt_tokens=len(tokens),
            completion_tokens=made, timings_ms=timings,
        )  # fmt: skip

    def _similarity(self, text: str, others: Sequence[str]) -> list[float]:
        vectors = self._encode([text, *others])
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


def _judge(draft: str, checked: Checked) -> tuple[Status, str]:
    """Whether the draft counts as an answer, and why."""
    if not draft.strip() or _REFUSAL.search(draft):
        return "not_found", "the model found no answer in the passages"
    if not any(sentence.supported for sentence in checked.sentences):
        return "not_found", "nothing in the draft is borne out by the passages"
    return "answered", "the draft is borne out by its quotes"


def _not_found(
    question: str, hits: Sequence[Hit], model: str, why: str, timings: dict[str, float],
    prompt_tokens: int = 0, completion_tokens: int = 0,
) -> Answer:  # fmt: skip
    return Answer(
        question=question, status="not_found", text=_NOT_FOUND_TEXT, citations=(), sentences=(), hits=tuple(hits),
        model=model, why=why, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, timings_ms=timings,
    )  # fmt: skip
