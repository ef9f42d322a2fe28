"""From candidates to ranks: what each piece of evidence for a chunk is worth.

A chunk's own score is its cosine, plus its words' share of what is possible, which is on the same scale for every
question, plus what the question says about where to look. In a transcript, where talk about one matter runs over many
passages, most of the score is that of the document's best chunk. The weights are from benchmarks/RESULTS.md.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from retrieval.asking import Asked, named, person, timely
from retrieval.outline import is_outline
from retrieval.types import DocumentInfo

# Beside the cosine (about 0.2 to 0.8): the BM25 score, and what pairs of words add, as shares of what is possible.
_WORDS = 0.67
_PAIRS = 0.4
# A document that the question names, one of its time, one of its kind; its author.
_NAME, _TIME, _KIND, _PERSON = 0.01, 0.1, 0.05, 0.06
# The newest document, when the question asks for the latest, and when it names documents and no time.
_LATEST, _NEWEST = 0.1, 0.04
# The share of the document's best chunk in the score of each chunk of a transcript.
_DOCUMENT = 0.8
# An agenda or a list of contents says where an answer is, and is none.
_OUTLINE = 0.2
# For a chunk beside one that ranks higher, or on its page: who opens that one sees it. In chunks.
_NEIGHBOUR, _NEAR = 0.04, 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that a search has found: its cosine to the query (`dense`), its BM25 score, and what pairs of words add
    to that, both as shares of what is possible. Header and text are empty until they have been read."""

    id: int
    document: int
    info: DocumentInfo
    page: int | None
    dense: float
    words: float
    pairs: float = 0.0
    header: str = ""
    text: str = ""


def about(asked: Asked, documents: Mapping[int, DocumentInfo]) -> dict[int, dict[str, float]]:
    """What speaks for all passages of each document, by name: that the question names it or its author, that it is of
    the time or of the kind that was asked for, that it is the newest. What counts for nothing is left out."""
    names = named(asked, documents)
    newest = _LATEST if asked.latest else _NEWEST if names and not asked.periods else 0.0
    ages = _ages(documents) if newest else dict.fromkeys(documents, 0.0)
    found = {}
    for document, info in documents.items():
        name = names.get(document, 0.0)
        parts = {
            "name": _NAME * name,
            "time": _TIME * timely(asked, info) * (1 + name),
            "newest": newest * ages[document] * (1.0 if asked.latest else name),
            "kind": _KIND * (info.kind in asked.kinds),
            "person": _PERSON * person(asked, info.author),
        }
        found[document] = {part: value for part, value in parts.items() if value}
    return found


def own_score(candidate: Candidate) -> float:
    """What a candidate's own text is worth."""
    return candidate.dense + _WORDS * candidate.words + _PAIRS * candidate.pairs


def evidence(
    about: Mapping[int, Mapping[str, float]], candidates: Sequence[Candidate], spoken: Set[int] = frozenset()
) -> list[dict[str, float]]:
    """What speaks for each candidate, by name; the sum is its score. `about` says it of their documents; `spoken` are
    those that are transcripts."""
    own = [
        {
            "meaning": candidate.dense,
            "words": _WORDS * candidate.words,
            "pairs": _PAIRS * candidate.pairs,
            **about[candidate.document],
        }
        for candidate in candidates
    ]
    best: dict[int, float] = {}
    for candidate, its in zip(candidates, own, strict=True):
        if candidate.document in spoken:
            best[candidate.document] = max(best.get(candidate.document, 0.0), sum(its.values()))
    found = []
    for candidate, its in zip(candidates, own, strict=True):
        share = _DOCUMENT if candidate.document in spoken else 0.0
        parts = {name: value * (1 - share) for name, value in its.items() if value}
        if share:
            parts["document"] = best[candidate.document] * share
        if candidate.text and is_outline(candidate.text):
            parts["outline"] = -_OUTLINE
        found.append(parts)
    return found


def spread(candidates: Sequence[Candidate], scores: Sequence[float], k: int) -> list[tuple[int, float]]:
    """The `k` best, best first, where a chunk near a better one of its document, or on its page, stands back a little:
    the index of each, and what it lost by that (0 or less). Equal scores in the order of ids."""
    left = dict(enumerate(scores))
    order: list[tuple[int, float]] = []
    while left and len(order) < k:
        chosen = max(left, key=lambda at: (left[at], -candidates[at].id))
        order.append((chosen, left.pop(chosen) - scores[chosen]))
        for at in left:
            if _beside(candidates[chosen], candidates[at]):
                left[at] -= _NEIGHBOUR
    return order


def _beside(a: Candidate, b: Candidate) -> bool:
    return a.document == b.document and (
        abs(a.id - b.id) <= _NEAR or (a.page is not None and a.page == b.page)
    )


def _ages(documents: Mapping[int, DocumentInfo]) -> dict[int, float]:
    """How new each document is among these: 1 the newest, 0 the oldest and those without a date."""
    dates = sorted({info.date[:10] for info in documents.values() if info.date})
    place = {day: (at + 1) / len(dates) for at, day in enumerate(dates)}
    return {i: place[info.date[:10]] if info.date else 0.0 for i, info in documents.items()}
