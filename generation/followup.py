"""What a follow-up is searched with, without a language model.

People rarely say again what they talk about, and hardly ever say that they begin with something else. So a question is
searched for twice, alone and together with the turn before it, and the scores are added: the second counts more when
the question leans on that turn, and little when it can stand alone. A new subject is still found, as nothing of the
question's own score is lost. benchmarks/RESULTS.md has the figures.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from generation.types import Turn
from retrieval.stop_words import STOP_WORDS
from retrieval.types import Hit
from retrieval.words import content_words

# What the search together with the turn before counts beside the question's own, where the question leans on that turn
# and where it does not.
_LEANING, _ALONE = 1.5, 0.3
# Passages of each search that are looked at: one that only the second half of two searches know is no first hit.
DEPTH = 50
# Turns that a chain of follow-ups is followed back.
_FOLLOWED = 3
# Turns that the model is given: a pronoun rarely reaches further back, and prompt tokens are time.
_READ = 2
# Words that point back to what was said before.
_POINTERS = re.compile(
    r"\b(it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|then|one|ones|same|else|instead)\b",
    re.IGNORECASE,
)
_OPENERS = re.compile(r"\s*(and|but|what about|how about)\b", re.IGNORECASE)
_MARKS = re.compile(r"\s*\[\d+\]")
# A question with fewer content words than this leaves its subject to the one before.
_FEW_WORDS = 3


@dataclass(frozen=True, slots=True)
class Query:
    """A text to search for, and what a passage's score for it counts."""

    text: str
    weight: float


def queries(question: str, history: Sequence[Turn]) -> list[Query]:
    """What to search for: the question, and the question behind what it follows: the questions from the last one that
    can stand alone on, and the first sentence of the last answer."""
    if not history:
        return [Query(question, 1.0)]
    answer = _MARKS.sub("", history[-1].answer).partition(". ")[0]
    together = " ".join(filter(None, (*(turn.question for turn in _followed(history)), answer, question)))
    return [Query(question, 1.0), Query(together, _LEANING if leans(question) else _ALONE)]


def standalone(question: str, history: Sequence[Turn]) -> str:
    """A follow-up as a person would have to ask it who had said nothing before; a question that stands alone as it
    is."""
    if not history or not leans(question):
        return question
    return f"{question} ({_followed(history)[0].question})"


def _followed(history: Sequence[Turn]) -> Sequence[Turn]:
    """The last turns, from the one on that the others lean on; a few at most."""
    near = history[-_FOLLOWED:]
    first = next((at for at in range(len(near) - 1, 0, -1) if not _points_back(near[at].question)), 0)
    return near[first:]


def leans(question: str) -> bool:
    """Whether a question needs the turn before it to be understood: a pronoun, an opening "and …", hardly a content
    word."""
    told = [word for word in content_words(question) if word not in STOP_WORDS]
    return _points_back(question) or len(told) < _FEW_WORDS


def _points_back(question: str) -> bool:
    return bool(_POINTERS.search(question) or _OPENERS.match(question))


def fuse(found: Sequence[tuple[float, Sequence[Hit]]], k: int) -> list[Hit]:
    """The `k` best of several searches' hits, by the weighted sum of their scores. A passage that a search did not
    find has at most the score of the last one that it found. Each hit is as the search gave it in which it did best."""
    totals: dict[str, float] = {}
    best: dict[str, Hit] = {}
    for _, hits in found:
        for hit in hits:
            if hit.ref not in best or hit.score > best[hit.ref].score:
                best[hit.ref] = hit
    for weight, hits in found:
        scores = {hit.ref: hit.score for hit in hits}
        least = min(scores.values(), default=0.0)
        for ref in best:
            totals[ref] = totals.get(ref, 0.0) + weight * scores.get(ref, least)
    order = sorted(best, key=lambda ref: (-totals[ref], best[ref].rank, ref))[:k]
    return [replace(best[ref], rank=rank) for rank, ref in enumerate(order, start=1)]


def recent(history: Sequence[Turn], count: Callable[[str], int], tokens: int) -> list[Turn]:
    """The last turns that fit into so many tokens, oldest first; an answer that is too long is cut to its first
    sentence."""
    kept: list[Turn] = []
    for turn in reversed(history[-_READ:]):
        short = Turn(turn.question, turn.answer.partition(". ")[0])
        fits = next((t for t in (turn, short) if count(f"{t.question}\n{t.answer}") <= tokens), None)
        if fits is None:
            break
        kept.insert(0, fits)
        tokens -= count(f"{fits.question}\n{fits.answer}")
    return kept
