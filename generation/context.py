"""From hits to the few sentences that go into the prompt.

On a CPU 100 prompt tokens cost a second, and a small model reads a short prompt better than a long one. So of
the best hits only the best sentences are taken, with the sentence before or after where that is needed to read
them, up to a budget of tokens.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.types import Passage
from retrieval.sentences import sentence_spans
from retrieval.types import Hit
from retrieval.words import content_words

# benchmarks/RESULTS.md has the runs behind these.
HITS = 6
BUDGET_TOKENS = 320
# What a question's words in a sentence count beside its cosine (0 to 1) to the question.
_OVERLAP_WEIGHT = 0.3
# ... and the fused score (0 to 1) of the hit that it stands in.
_HIT_WEIGHT = 0.25


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
        for a, b in sentence_spans(hit.text)
    ]
    if not candidates:
        return []
    scores = _scores(question, hits, candidates, encode)
    chosen: set[int] = set()
    spent = 0
    for at in np.argsort(-scores, kind="stable"):
        if spent + candidates[at].tokens <= budget or not chosen:
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
    seen: set[str] = set()
    return [hit for hit in hits if (key := " ".join(hit.text.split())) not in seen and not seen.add(key)]  # type: ignore[func-returns-value]
