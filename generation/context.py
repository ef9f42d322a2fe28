"""From hits to the few sentences that go into the prompt.

On a CPU 100 prompt tokens cost a second, and a small model reads a short prompt better than a long one. The best hit
goes in whole; of the others only the sentences that come near the question, up to a budget of tokens.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from generation.types import Passage
from retrieval.sentences import sentence_spans
from retrieval.types import Hit
from retrieval.words import content_words

# benchmarks/RESULTS.md has the runs behind these.
HITS = 8
BUDGET_TOKENS = 300
# The best hits go in whole as long as they take at most this share of the budget.
_WHOLE_SHARE = 0.7
# What a question's words in a sentence count beside its cosine (0 to 1) to the question.
_OVERLAP_WEIGHT = 0.3
# ... and the fused score (0 to 1) of the hit that it stands in.
_HIT_WEIGHT = 0.25
# A sentence is left out when it scores less than this share of the best one.
_NEAR = 0.5
# A line with fewer words and no end mark is a heading or label: it goes with what follows it.
_LABEL_WORDS = 6


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: int
    start: int
    end: int
    tokens: int


def build_context(
    question: str,
    hits: Sequence[Hit],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    count: Callable[[str], int],
    budget: int = BUDGET_TOKENS,
) -> list[Passage]:
    """The passages for the prompt, best hit first, numbered from 1. `encode` gives unit vectors, `count` the
    language model's tokens; the passages' text has at most `budget` of those, unless one sentence has more."""
    hits = _without_copies(hits)[:HITS]
    candidates = [
        _Candidate(i, hit.start + a, hit.start + b, count(hit.text[a:b]))
        for i, hit in enumerate(hits)
        for a, b in _units(hit.text)
    ]
    if not candidates:
        return []
    scores = _scores(question, hits, candidates, encode)
    chosen = _whole_hits(candidates, budget)
    spent = sum(candidates[at].tokens for at in chosen)
    for at in np.argsort(-scores, kind="stable"):
        fits = spent + candidates[at].tokens <= budget
        if int(at) not in chosen and (not chosen or (fits and scores[at] >= _NEAR * scores.max())):
            chosen.add(int(at))
            spent += candidates[at].tokens
    spans: dict[int, list[tuple[int, int]]] = {}
    for at in sorted(chosen):
        candidate = candidates[at]
        mine = spans.setdefault(candidate.hit, [])
        if mine and at - 1 in chosen and candidates[at - 1].hit == candidate.hit:
            mine[-1] = (mine[-1][0], candidate.end)
        else:
            mine.append((candidate.start, candidate.end))
    return [Passage(n, hits[i], tuple(spans[i])) for n, i in enumerate(sorted(spans), start=1)]


def _whole_hits(candidates: Sequence[_Candidate], budget: int) -> set[int]:
    """All sentences of the best hits, as many hits as fit into their share of the budget."""
    whole: set[int] = set()
    spent = 0
    for _, group in groupby(range(len(candidates)), key=lambda at: candidates[at].hit):
        hit = list(group)
        spent += sum(candidates[at].tokens for at in hit)
        if spent > _WHOLE_SHARE * budget:
            break
        whole.update(hit)
    return whole


def _units(text: str) -> list[tuple[int, int]]:
    """The sentences of a hit; a heading or label is one with the sentence after it."""
    units: list[tuple[int, int]] = []
    label: int | None = None
    for start, end in sentence_spans(text):
        begin = start if label is None else label
        words = text[start:end].split()
        if len(words) < _LABEL_WORDS and text[end - 1] not in ".!?|":
            label = begin
            continue
        units.append((begin, end))
        label = None
    if label is not None:
        units.append((label, len(text.rstrip())))
    return units


def _scores(
    question: str,
    hits: Sequence[Hit],
    candidates: Sequence[_Candidate],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    texts = [hits[c.hit].text[c.start - hits[c.hit].start : c.end - hits[c.hit].start] for c in candidates]
    vectors = encode([question, *texts])
    words = set(content_words(question))
    overlap = np.array([len(words & set(re.findall(r"\w+", text.lower()))) / len(words) for text in texts])
    from_hit = np.array([hits[c.hit].score for c in candidates])
    total: NDArray[np.float32] = vectors[1:] @ vectors[0] + _OVERLAP_WEIGHT * overlap + _HIT_WEIGHT * from_hit
    return total


def _without_copies(hits: Sequence[Hit]) -> list[Hit]:
    """The hits less those whose text, white space apart, an earlier one has."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(" ".join(hit.text.split()), hit)
    return list(first.values())
