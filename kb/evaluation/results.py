"""What was measured of each question."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from generation.types import Answer
from kb.evaluation.measures import (
    DEPTH,
    holds_answer,
    is_contained,
    is_exact,
    is_right,
    token_f1,
)
from kb.evaluation.questions import Place, Question
from retrieval.types import Hit


@dataclass(frozen=True, slots=True)
class Found:
    """The ten best hits of a question that names places. `good` are those that lie in a place which no hit before lies
    in; `missed` are the places that none lies in (places in one hit count as one). Milliseconds."""

    good: tuple[bool, ...]
    missed: int
    milliseconds: float

    @property
    def rank(self) -> int | None:
        """The rank of the first good hit, from 1."""
        return self.good.index(True) + 1 if any(self.good) else None


@dataclass(frozen=True, slots=True)
class Given:
    """The answer to a question. `right`, `exact`, `contained` and `f1` are None when no answer is known;
    `cited_right` and `cited_holding` count the citations in a named place, and those whose quote holds an accepted
    answer, None when no place, or no answer, is known. Milliseconds; `first_ms` is None when no word was written."""

    answered: bool
    text: str
    confidence: float | None
    right: bool | None
    exact: bool | None
    contained: bool | None
    f1: float | None
    citations: int
    cited_right: int | None
    cited_holding: int | None
    sentences: int
    supported: int
    prompt_tokens: int
    completion_tokens: int
    first_ms: float | None
    total_ms: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of a question: its retrieval, when it names places, and its answer, when one was asked for."""

    id: str
    question: str
    answers: tuple[str, ...]
    answerable: bool | None
    found: Found | None = None
    given: Given | None = None

    @property
    def good(self) -> bool | None:
        """Whether it came out well: answered right or rightly refused, or without an answer a good hit among ten; None
        when that can't be known."""
        if self.given is None:
            return None if self.found is None else self.found.rank is not None
        if self.answerable is False:
            return not self.given.answered
        return self.given.right if self.given.answered or not self.answerable else False

    @property
    def is_judged(self) -> bool:
        """Whether any answer to it could be told to be right or wrong."""
        return self.given is not None and (self.answerable is False or self.given.right is not None)

    def to_json(self) -> dict[str, Any]:
        """The result as it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Result":
        """The result that was kept so. Raises KeyError, TypeError or ValueError when none was."""
        found, given = kept["found"], kept["given"]
        if found is not None:
            found = Found(
                tuple(bool(good) for good in found["good"]), int(found["missed"]), found["milliseconds"]
            )
        if given is not None:
            given = Given(**{field.name: given[field.name] for field in fields(Given)})
        answers = tuple(kept["answers"])
        return cls(str(kept["id"]), str(kept["question"]), answers, kept["answerable"], found, given)


def judge_hits(hits: Sequence[Hit], places: Sequence[Place], milliseconds: float) -> Found:
    """Which hits of a ranking lie in the places that a question names."""
    left = list(places)
    good = []
    for hit in hits[:DEPTH]:
        here = [place for place in left if place.holds(hit) or place.holds_copy(hit)]
        left = [place for place in left if place not in here]
        good.append(bool(here))
    return Found(tuple(good), len(left), milliseconds)


def judge_answer(answer: Answer, question: Question) -> Given:
    """How good an answer is."""
    answered, text = answer.status == "answered", answer.text
    known, places = question.answers if question.answerable else (), question.places
    citations = answer.citations
    return Given(
        answered=answered,
        text=text,
        confidence=answer.confidence,
        right=answered and is_right(text, known) if known else None,
        exact=answered and is_exact(text, known) if known else None,
        contained=answered and is_contained(text, known) if known else None,
        f1=(token_f1(text, known) if answered else 0.0) if known else None,
        citations=len(citations),
        cited_right=sum(any(place.holds(c) for place in places) for c in citations) if places else None,
        cited_holding=sum(holds_answer(c.quote, known) for c in citations) if known else None,
        sentences=len(answer.sentences),
        supported=sum(sentence.supported for sentence in answer.sentences),
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        first_ms=answer.timings_ms.get("first_token"),
        total_ms=answer.timings_ms["total"],
    )
