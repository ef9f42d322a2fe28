"""Which of several passages about one matter is in force: a later decision takes the place of what it contradicts.

Marking a passage that still holds does more harm than leaving one that doesn't unmarked, so all has to come together:
the passages are near in meaning and share words, the newer one is worded as a decision, and it says something else
than the older one, or says that it changes it. What this can't tell apart are forms filled in for two parties, and one
meeting of a series from the next.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from retrieval.duplicates import copies, own_names
from retrieval.facts import Fact, facts, subjects
from retrieval.standing import CHANGE, Standing, own_words, standing

__all__ = ["Standing", "Statement", "standing", "superseded", "with_threads"]

# The least cosine. In the sample documents all 18 pairs found above it are right, the lowest at 0.57; among mail of
# many matters all that would be found from 0.45 to 0.55 is wrong.
_NEAR = 0.55
_LEAST_SHARED = 3
# Of the words of the shorter one, what has to be shared where there is no figure to compare.
_SAME_MATTER = 0.5
# Two sentences say or deny the same thing when they share this many words and this share of all that either has,
# names aside that only one of them has.
_SAID_SHARED, _SAID_SHARE = 3, 0.75
# A passage that tells of a decision which holds no longer: a log keeps them, under the date of its last change.
_OVER = re.compile(
    r"\bstatus\W{1,4}(?:superseded|replaced)|\bsuperseded by (?!this\b)|:\s*superseded\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=\s*(?:[-*|•]|\d+[.)])\s)")
_NOT = re.compile(r"\b(?:no|not|never|nicht|kein\w*)\b|n['’]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A passage with the ISO date of its document (a day, or a time with its offset) and its embedding, of unit
    length."""

    text: str
    date: str | None
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Read:
    standing: Standing
    when: datetime
    is_day: bool
    text: str
    facts: list[Fact]
    subjects: frozenset[str]
    changes: bool
    over: bool


def superseded(statements: Sequence[Statement]) -> dict[int, int]:
    """For the index of an earlier statement, a decision or a proposal, the index of the newest decision that replaces
    it; if that is replaced too, of what replaces that. Statements without a date take no part.

    Passages of one document have one date and never replace one another: a log with dated entries is left alone."""
    instants = [_instant(statement.date) for statement in statements]
    vectors = np.stack([statement.vector for statement in statements]) if statements else np.empty((0, 0))
    near = vectors @ vectors.T >= _NEAR
    # Most have nothing near them that is of another date, and to see that is quicker than to read them.
    stands = {
        at: standing(statements[at].text)
        for at, when in enumerate(instants)
        if when and any(other not in (None, when) for other in compress(instants, near[at]))
    }
    if "decided" not in stands.values():
        return {}
    read = {
        at: _read(statements[at], when, stands[at])
        for at, when in enumerate(instants)
        if when and stands.get(at) in ("decided", "proposed")
    }
    found: dict[int, int] = {}
    # From the newest back, so that what replaces a statement has been judged before.
    for at in sorted(read, key=lambda i: read[i].when, reverse=True):
        later = [
            i for i in read if near[at, i] and _is_later(read[i], read[at]) and _replaces(read[i], read[at])
        ]
        if later:
            newest = max(later, key=lambda i: (read[i].when, float(vectors[i] @ vectors[at])))
            found[at] = found.get(newest, newest)
    return found


def with_threads(
    replaced: Mapping[int, int], statements: Sequence[Statement], threads: Sequence[Set[str]]
) -> dict[int, int]:
    """What is replaced, and what was written before it in the same thread, which the same decision has overtaken: a
    proposal is often worded as an opinion ("I would take late August"), and only the thread says what it is about.
    `threads` has what connects each statement with others; nothing for what is no message."""
    found = dict(replaced)
    instants = [_instant(statement.date) for statement in statements]
    for at, when in enumerate(instants):
        if at in found or when is None or at in replaced.values():
            continue
        after = [
            other
            for other in replaced
            if threads[at] & threads[other] and (later := instants[other]) is not None and when <= later
        ]
        if after:
            found[at] = replaced[after[0]]
    return found


def _instant(iso: str | None) -> datetime | None:
    try:
        when = datetime.fromisoformat(iso or "")
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _read(statement: Statement, instant: datetime, stands: Standing) -> _Read:
    """What there is to know of a statement that may replace another or be replaced."""
    text = own_words(statement.text)
    changes, over = CHANGE.search(text.casefold()) is not None, _OVER.search(text) is not None
    is_day = len(statement.date or "") <= len("2025-07-29")
    return _Read(stands, instant, is_day, text, facts(text), subjects(text), changes, over)


def _is_later(one: _Read, other: _Read) -> bool:
    """Where one of them is but a day, a later day is needed."""
    if one.is_day or other.is_day:
        return one.when.date() > other.when.date()
    return one.when > other.when


def _replaces(newer: _Read, older: _Read) -> bool:
    """Whether a decision contradicts or ends what is said in an older statement on the same matter."""
    shared = len(newer.subjects & older.subjects)
    if newer.standing != "decided" or newer.over or shared < _LEAST_SHARED:
        return False
    if copies([older.text, newer.text], [False, False]) == [0, 0]:
        return False
    now = {(fact.kind, fact.value) for fact in newer.facts if not fact.past}
    ended = {(fact.kind, fact.value) for fact in newer.facts if fact.past}
    then = [fact for fact in older.facts if not fact.past]
    gone = [fact for fact in then if (fact.kind, fact.value) not in now]
    kept = len(then) - len(gone)
    if any((fact.kind, fact.value) in ended for fact in gone):
        return True
    clashes = [
        fact for fact in gone if any(_same_figure(fact, other) for other in newer.facts if not other.past)
    ]
    if clashes:
        return newer.changes or len(clashes) >= kept
    if newer.changes and not then and shared >= _SAME_MATTER * min(len(newer.subjects), len(older.subjects)):
        return True
    return not kept and _denies(newer, older)


def _same_figure(one: Fact, other: Fact) -> bool:
    """Whether two figures are of one kind and said of the same thing."""
    return one.kind == other.kind and 2 * len(one.about & other.about) > min(len(one.about), len(other.about))


def _denies(newer: _Read, older: _Read) -> bool:
    """Whether a sentence that states a decision is in the older text with another name, or with a "not" more or
    less."""
    for one in (sentence for sentence in _SENTENCE.split(newer.text) if standing(sentence) == "decided"):
        for other in _SENTENCE.split(older.text):
            names = own_names(one, other)
            about, before = (
                subjects(text) - subjects(" ".join(its))
                for text, its in zip((one, other), names, strict=True)
            )
            if len(about & before) < max(_SAID_SHARED, _SAID_SHARE * len(about | before)):
                continue
            if bool(_NOT.search(one)) != bool(_NOT.search(other)) or all(names):
                return True
    return False
