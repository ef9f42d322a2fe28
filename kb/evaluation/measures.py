"""When a hit and an answer count as right, and how good a ranking is."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kb.evaluation.questions import places_of
from retrieval.stop_words import STOP_WORDS
from retrieval.types import Hit

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W_]+")
# A longer answer is not what a reader asked for, whatever it contains.
_MAX_WORDS = 60
_MARKS = re.compile(r"\s*\[(?:\d+|\?)\]")
_ARTICLES = frozenset(("a", "an", "the"))
# How many hits a ranking is judged by.
DEPTH = 10


def is_gold(hit: Hit, question: Mapping[str, Any]) -> bool:
    """Whether a hit, or a copy of it, lies where the question (a line of its file) says that its answer stands."""
    return any(place.holds(hit) or place.holds_copy(hit) for place in places_of(question))


def content(text: str) -> set[str]:
    """The words that count: lower case, stop words and single letters dropped, a final s cut; numbers whole."""
    words = (word.lower() for word in _WORD.findall(text))
    kept = {word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())}
    return {word[:-1] if word.endswith("s") and len(word) > 2 else word for word in kept}


def holds_answer(text: str, accepted: Sequence[str]) -> bool:
    """Whether at least half of the content words of one accepted answer stand in `text`."""
    words = content(text)
    wanted = (content(entry) for entry in accepted)
    return any(entry and 2 * len(entry & words) >= len(entry) for entry in wanted)


def is_right(answer: str, accepted: Sequence[str]) -> bool:
    """Whether at least half of the content words of one accepted answer stand in an answer of at most 60 words."""
    plain = _MARKS.sub("", answer)
    return len(plain.split()) <= _MAX_WORDS and holds_answer(plain, accepted)


def is_exact(answer: str, accepted: Sequence[str]) -> bool:
    """Whether the answer is an accepted one, but for case, punctuation and articles (as SQuAD has it)."""
    words = _plain_words(answer)
    return any(words == _plain_words(entry) for entry in accepted)


def is_contained(answer: str, accepted: Sequence[str]) -> bool:
    """Whether the words of an accepted answer stand in the answer, together and in order."""
    words = f" {' '.join(_plain_words(answer))} "
    return any(f" {' '.join(entry)} " in words for entry in map(_plain_words, accepted) if entry)


def token_f1(answer: str, accepted: Sequence[str]) -> float:
    """How far the answer's words are those of the accepted answer that it is nearest to: the harmonic mean of precision
    and recall (0 to 1; as SQuAD has it)."""
    words = _plain_words(answer)
    best = 0.0
    for wanted in map(_plain_words, accepted):
        shared = sum((Counter(words) & Counter(wanted)).values())
        best = max(best, 2 * shared / (len(words) + len(wanted)) if shared else 0.0)
    return best


def ndcg(found: Sequence[Sequence[bool]], missed: Sequence[int]) -> float:
    """The mean nDCG@10 of rankings: which of the hits are good, and how many good ones no hit is; 0 for no rankings."""
    if not found:
        return 0.0
    import numpy as np
    from sklearn.metrics import ndcg_score

    # Hits by rank, padded to ten so that a short list ranks no missed one, then the missed.
    good = np.zeros((len(found), DEPTH + max(missed, default=0)))
    for row, (hits, more) in enumerate(zip(found, missed, strict=True)):
        good[row, : len(hits[:DEPTH])] = hits[:DEPTH]
        good[row, DEPTH : DEPTH + more] = 1
    order = np.maximum(np.arange(DEPTH, DEPTH - good.shape[1], -1), 0)
    return float(ndcg_score(good, np.tile(order, (len(found), 1)), k=DEPTH))


def median(values: Sequence[float]) -> float:
    """The upper median; 0 for no values."""
    return sorted(values)[len(values) // 2] if values else 0.0


def _plain_words(text: str) -> list[str]:
    """The words without marks, case, punctuation and articles. Punctuation inside of a word vanishes: 1,240 is 1240."""
    letters = (
        character
        for character in _MARKS.sub("", text).casefold()
        if unicodedata.category(character)[0] != "P"
    )
    return [word for word in "".join(letters).split() if word not in _ARTICLES]
