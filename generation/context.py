"""From hits to the few sentences that go into the prompt.

On a CPU 100 prompt tokens cost a second, and a small model reads a short prompt better than a long one. So only the
sentences that promise most go in: those near the question, in hits near the best one. Where one hit stands out that is
a part of it, where several are alike it is a little of each.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from generation.types import Passage
from generation.units import Unit, units
from retrieval.tables import cells, is_figure
from retrieval.threads import thread_keys
from retrieval.types import Hit
from retrieval.words import content_words

# benchmarks/RESULTS.md has the runs behind these.
HITS = 8
BUDGET_TOKENS = 300
# What a question's words in a sentence count beside its cosine (0 to 1) to the question. The hit that it stands in
# counts from 1 for the best one to 0 for the last.
_OVERLAP_WEIGHT = 0.3
# A sentence is left out when it scores less than this share of the best one; less strict where each hit is to have
# its say.
_NEAR, _NEAR_EACH = 0.5, 0.3
# A hit whose score is this much lower than the best one's is read only if it is of the same document or thread.
_FAR = 0.25
# What a sentence's promise counts beside its cosine to a text that it is to stand for.
_PROMISE_WEIGHT = 0.3
# The end of a sentence, with what may stand behind it: quotes, brackets, the number of a footnote.
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)\]]*\d{0,2}$")
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
    vectors: NDArray[np.float32]

    def nearest(self, vector: NDArray[np.float32]) -> list[str]:
        """The sentences as the model would read them, nearest to a text with that unit vector first; what they promise
        for the question counts too. A row of figures, and a line that announces what follows, is no sentence."""
        near = self.vectors @ vector + _PROMISE_WEIGHT * self.scores
        found = [self.candidates[at] for at in np.argsort(-near, kind="stable")]
        return [c.unit.text for c in found if not self._is_fragment(c)]

    def _is_fragment(self, candidate: _Candidate) -> bool:
        unit, hit = candidate.unit, self.hits[candidate.hit]
        row = cells(hit.text[unit.start - hit.start : unit.end - hit.start].splitlines()[-1])
        # In a PDF nothing else tells a heading or a cell from a sentence.
        ended = hit.info.kind != "pdf" or _ENDED.search(unit.text) is not None
        return not ended or unit.text[-1] == ":" or (len(row) > 1 and all(map(is_figure, row[1:])))


def rank(
    question: str,
    hits: Sequence[Hit],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    count: Callable[[str], int],
    worth: Sequence[float] | None = None,
    *,
    narrow: bool = False,
) -> Ranked:
    """Scores the sentences of the best hits. `encode` gives unit vectors, `count` the language model's tokens. `worth`
    is what standing in each hit counts (0 to 1); by default it follows from the hits' scores. With `narrow`, documents
    far behind the best one are left out."""
    hits = hits[:HITS]
    threads = [thread_keys(hit.info) if hit.info.is_message else set() for hit in hits]
    by_hit = _with_threads(threads, worth or relative([hit.score for hit in hits]))
    if narrow:
        near = _near(hits, threads)
        hits, by_hit = [hits[i] for i in near], by_hit[near]
    candidates = [_Candidate(i, unit, count(unit.text)) for i, hit in enumerate(hits) for unit in units(hit)]
    vectors = encode([question, *(c.unit.text for c in candidates)])
    scores = _scores(question, candidates, vectors[1:] @ vectors[0], by_hit)
    return Ranked(tuple(hits), tuple(candidates), scores, vectors[1:])


def build_context(ranked: Ranked, budget: int = BUDGET_TOKENS, *, each: bool = False) -> list[Passage]:
    """The passages for the prompt, best hit first, numbered from 1; their sentences have at most `budget` tokens,
    unless one sentence has more. With `each`, the best sentence of every hit comes before a second one of any."""
    candidates, scores = ranked.candidates, ranked.scores
    order = [int(at) for at in np.argsort(-scores, kind="stable")]
    if each:
        firsts = {candidates[at].hit: at for at in reversed(order)}
        order = [*sorted(firsts.values(), key=order.index), *order]
    least = (_NEAR_EACH if each else _NEAR) * scores.max() if order else 0.0
    chosen = _chosen(ranked, dict.fromkeys(order), budget, least)
    by_hit = groupby(sorted(chosen), key=lambda at: candidates[at].hit)
    return [
        _passage(n, ranked.hits[i], [candidates[at].unit for at in mine])
        for n, (i, mine) in enumerate(by_hit, start=1)
    ]


def passages_alone(ranked: Ranked, budget: int, most: int) -> list[Passage]:
    """The first `most` hits that hold still as passages, each with those of its sentences that promise most, in at most
    `budget` tokens."""
    found: list[Passage] = []
    for i in [i for i, hit in enumerate(ranked.hits) if not hit.replaced_by][:most]:
        mine = [at for at, candidate in enumerate(ranked.candidates) if candidate.hit == i]
        best_first = sorted(mine, key=lambda at: -float(ranked.scores[at]))
        if chosen := _chosen(ranked, best_first, budget):
            units = [ranked.candidates[at].unit for at in sorted(chosen)]
            found.append(_passage(len(found) + 1, ranked.hits[i], units))
    return found


def _chosen(ranked: Ranked, order: Iterable[int], budget: int, least: float = -math.inf) -> list[int]:
    """The first unit and those after it that score enough and fit into what is left of the budget."""
    chosen: list[int] = []
    spent = 0
    for at in order:
        fits = spent + ranked.candidates[at].tokens <= budget
        if not chosen or (fits and ranked.scores[at] >= least):
            chosen.append(at)
            spent += ranked.candidates[at].tokens
    return chosen


def _passage(n: int, hit: Hit, chosen: Sequence[Unit]) -> Passage:
    """The chosen units as one text; ` … ` where something between them was left out."""
    text = chosen[0].text
    for before, unit in pairwise(chosen):
        gap = hit.text[before.end - hit.start : unit.start - hit.start]
        text += (gap if not gap.strip() else " … ") + unit.text
    return Passage(n, hit, tuple((unit.start, unit.end) for unit in chosen), text)


def _scores(
    question: str, candidates: Sequence[_Candidate], cosines: NDArray[np.float32], worth: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What each unit promises: its own score, or most of that of the one before it or after it, since an answer often
    stands beside the words of the question. `worth` is that of the hits."""
    if not candidates:
        return cosines
    words = set(content_words(question))
    overlap = np.array(
        [len(words & set(re.findall(r"\w+", c.unit.text.lower()))) / len(words) for c in candidates]
    )
    own = (cosines + _OVERLAP_WEIGHT * overlap + worth[[c.hit for c in candidates]]).astype(np.float32)
    total = own.copy()
    for at in range(1, len(candidates)):
        if candidates[at].hit == candidates[at - 1].hit:
            total[at] = max(total[at], _AFTER * own[at - 1])
            total[at - 1] = max(total[at - 1], _BEFORE * own[at])
    return total


def _near(hits: Sequence[Hit], threads: Sequence[Set[str]]) -> list[int]:
    """The hits without those of other documents and threads that stand far behind the best one; what has been replaced
    is told with what replaces it."""
    return [
        i
        for i, hit in enumerate(hits)
        if hit.score >= hits[0].score - _FAR
        or hit.document_id == hits[0].document_id
        or threads[i] & threads[0]
        or hit.replaced_by
    ]


def _with_threads(threads: Sequence[Set[str]], scores: Sequence[float]) -> NDArray[np.float32]:
    """The scores where a message has that of the best one of its thread: "I'll take it" is found by its words in
    no answer, and answers the message before it."""
    return np.array(
        [
            max(scores[j] for j, other in enumerate(threads) if j == i or its & other)
            for i, its in enumerate(threads)
        ],
        dtype=np.float32,
    )


def relative(scores: Sequence[float]) -> list[float]:
    """The scores from 1 for the best to 0 for the last; all 1 when they are the same."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
