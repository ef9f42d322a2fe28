"""From hits to the few sentences that go into the prompt.

On a CPU 100 prompt tokens cost a second, and a small model reads a short prompt better than a long one. The best hit
goes in whole; of the others only the sentences that come near the question, up to a budget of tokens.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from generation.types import Passage
from generation.units import Unit, units
from retrieval.types import Hit
from retrieval.words import content_words

# benchmarks/RESULTS.md has the runs behind these.
HITS = 8
BUDGET_TOKENS = 420
# The best hits go in whole as long as they take at most this share of the budget.
_WHOLE_SHARE = 0.5
# What a question's words in a sentence count beside its cosine (0 to 1) to the question.
_OVERLAP_WEIGHT = 0.3
# ... and the score of the hit that it stands in, from 1 for the best of the hits to this for the last.
_HIT_WEIGHT, _LAST_HIT = 0.5, 0.5
# A sentence is left out when it scores less than this share of the best one.
_NEAR = 0.55
# What a sentence has of the score of the one before it, and of the one after it.
_AFTER, _BEFORE = 0.9, 0.7


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit of a hit: a span of its document, and how the model is to read it."""

    hit: int
    unit: Unit
    tokens: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """The sentences of some hits and what each promises for a question; encoding them is the dear part of a
    context."""

    hits: tuple[Hit, ...]
    candidates: tuple[_Candidate, ...]
    scores: NDArray[np.float32]

    def nearest(self) -> list[str]:
        """The sentences as the model would read them, nearest to the question first."""
        return [self.candidates[at].unit.text for at in np.argsort(-self.scores, kind="stable")]


def rank(
    question: str,
    hits: Sequence[Hit],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    count: Callable[[str], int],
) -> Ranked:
    """Scores the sentences of the best hits. `encode` gives unit vectors, `count` the language model's tokens."""
    hits = _without_copies(hits)[:HITS]
    candidates = [_Candidate(i, unit, count(unit.text)) for i, hit in enumerate(hits) for unit in units(hit)]
    return Ranked(tuple(hits), tuple(candidates), _scores(question, hits, candidates, encode))


def build_context(ranked: Ranked, budget: int = BUDGET_TOKENS) -> list[Passage]:
    """The passages for the prompt, best hit first, numbered from 1; their text has at most `budget` tokens, unless one
    sentence has more."""
    candidates, scores = ranked.candidates, ranked.scores
    chosen = _whole_hits(candidates, budget)
    spent = sum(candidates[at].tokens for at in chosen)
    for at in np.argsort(-scores, kind="stable"):
        fits = spent + candidates[at].tokens <= budget
        if int(at) not in chosen and (not chosen or (fits and scores[at] >= _NEAR * scores.max())):
            chosen.add(int(at))
            spent += candidates[at].tokens
    by_hit = groupby(sorted(chosen), key=lambda at: candidates[at].hit)
    return [
        _passage(n, ranked.hits[i], [candidates[at].unit for at in mine])
        for n, (i, mine) in enumerate(by_hit, start=1)
    ]


def _passage(n: int, hit: Hit, chosen: Sequence[Unit]) -> Passage:
    """The chosen units as one text; ` … ` where something between them was left out."""
    text = chosen[0].text
    for before, unit in pairwise(chosen):
        gap = hit.text[before.end - hit.start : unit.start - hit.start]
        text += (gap if not gap.strip() else " … ") + unit.text
    return Passage(n, hit, tuple((unit.start, unit.end) for unit in chosen), text)


def _whole_hits(candidates: Sequence[_Candidate], budget: int) -> set[int]:
    """All units of the best hits, as many hits as fit into their share of the budget."""
    whole: set[int] = set()
    spent = 0
    for _, group in groupby(range(len(candidates)), key=lambda at: candidates[at].hit):
        hit = list(group)
        spent += sum(candidates[at].tokens for at in hit)
        if spent > _WHOLE_SHARE * budget:
            break
        whole.update(hit)
    return whole


def _scores(
    question: str,
    hits: Sequence[Hit],
    candidates: Sequence[_Candidate],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """What each unit promises: its own score, or most of that of the one before it or after it, since an answer often
    stands beside the words of the question."""
    if not candidates:
        return np.empty(0, dtype=np.float32)
    vectors = encode([question, *(c.unit.text for c in candidates)])
    words = set(content_words(question))
    overlap = np.array(
        [len(words & set(re.findall(r"\w+", c.unit.text.lower()))) / len(words) for c in candidates]
    )
    from_hit = _relative([hit.score for hit in hits])[[c.hit for c in candidates]]
    own: NDArray[np.float32] = vectors[1:] @ vectors[0] + _OVERLAP_WEIGHT * overlap + _HIT_WEIGHT * from_hit
    total = own.copy()
    for at in range(1, len(candidates)):
        if candidates[at].hit == candidates[at - 1].hit:
            total[at] = max(total[at], _AFTER * own[at - 1])
            total[at - 1] = max(total[at - 1], _BEFORE * own[at])
    return total


def _relative(scores: Sequence[float]) -> NDArray[np.float32]:
    low, high = min(scores), max(scores)
    scaled = [(score - low) / (high - low) if high > low else 1.0 for score in scores]
    return _LAST_HIT + (1 - _LAST_HIT) * np.array(scaled, dtype=np.float32)


def _without_copies(hits: Sequence[Hit]) -> list[Hit]:
    """The hits less those whose text, white space apart, an earlier one has."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(" ".join(hit.text.split()), hit)
    return list(first.values())
