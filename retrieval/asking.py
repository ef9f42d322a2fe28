"""What a question says about where to look: documents by name, people, kinds and times. No model; boosts, not filters.

Everything is read against the documents that a search has found already, so that no list of all names is kept, and a
name counts for as much as it tells those documents apart.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

from retrieval.periods import Period, asks_latest, periods
from retrieval.stop_words import STOP_WORDS
from retrieval.types import DocumentInfo, Kind

_WORD = re.compile(r"[^\W\d_]+|\d+")
_TOKEN = re.compile(r"\w+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_QUARTER = re.compile(r"(?<![A-Za-z0-9])(?:(?:19|20)\d\d)?Q([1-4])(?!\d)", re.IGNORECASE)
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("mail", re.compile(r"\b(?:(?:e-?)?mails?|mailbox|messages?)\b(?! address)", re.IGNORECASE)),
    ("wiki", re.compile(r"\bwiki\b", re.IGNORECASE)),
    ("pdf", re.compile(r"\bpdfs?\b|\b10-?[kq]\b|\b8-?k\b", re.IGNORECASE)),
)
# Of several times that a question names, a document of an earlier one fits this much: the latest reports on the others.
_EARLIER = 0.3


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question says about where to look. `names` are its words that may name a document or a person, in lower
    case."""

    names: frozenset[str]
    words: frozenset[str]
    kinds: tuple[Kind, ...]
    periods: tuple[Period, ...]
    latest: bool

    def to_json(self) -> dict[str, Any]:
        """What was understood, for `--explain`. A period's `before` is the first day that is not in it."""
        return {
            "names": sorted(self.names),
            "kinds": list(self.kinds),
            "periods": [
                {
                    "text": period.text,
                    "from": period.start.isoformat() if period.start else None,
                    "before": period.end.isoformat() if period.end else None,
                }
                for period in self.periods
            ],
            "latest": self.latest,
        }


def asked(question: str, today: date) -> Asked:
    """Reads a question."""
    tokens = [token for token in _TOKEN.findall(question) if token.lower() not in STOP_WORDS]
    # Runs of words that are written like names.
    runs = "".join(f" {token}" if any(map(str.isupper, token)) else "\n" for token in tokens).splitlines()
    names = {key for run in runs for key in _keys(run)}
    return Asked(
        frozenset(names),
        frozenset(_keys(" ".join(tokens))),
        tuple(kind for kind, pattern in _KINDS if pattern.search(question)),
        tuple(periods(question, today)),
        asks_latest(question),
    )


def named(asked: Asked, documents: Mapping[int, DocumentInfo]) -> dict[int, float]:
    """How well the question names each of some documents (0 to 1, the best 1), by the words of file name and title
    that stand in it; only those it names at all. One of the words must be written like a name. Messages are not
    named so: their subjects are no names."""
    keys = {i: _name_keys(info.doc, info.title) for i, info in documents.items() if info.kind != "mail"}
    counts: dict[str, int] = {}
    for its in keys.values():
        for key in its & asked.words:
            counts[key] = counts.get(key, 0) + 1
    worth = {
        key: math.log(len(keys) / count)
        for key, count in counts.items()
        if not key.isdigit() and count * 2 <= len(keys)
    }
    scores = {
        i: sum(worth.get(key, 0.0) for key in its & asked.words)
        for i, its in keys.items()
        if any(key in worth for key in its & asked.names)
    }
    best = max(scores.values(), default=0.0)
    return {i: score / best for i, score in scores.items() if score > 0}


def timely(asked: Asked, info: DocumentInfo) -> float:
    """How well a document's time fits the question's (0 to 1); its file name tells it before its date."""
    if not asked.periods:
        return 0.0
    latest = max((period.end for period in asked.periods if period.end), default=None)
    fits = [1.0 if period.end == latest else _EARLIER for period in asked.periods if _within(period, info)]
    return max(fits, default=0.0)


def person(asked: Asked, author: str | None) -> float:
    """The share of an author's name that the question names (0 to 1)."""
    parts = _author_words(author or "") if asked.names else frozenset()
    return len(parts & asked.names) / len(parts) if parts else 0.0


def _within(period: Period, info: DocumentInfo) -> bool:
    name = f"{_stem(info.doc)} {info.title}"
    years = [int(year) for year in _YEAR.findall(name)]
    if years and (period.start or period.end):
        quarter = _QUARTER.search(name)
        months = (3 * int(quarter[1]) - 2, 3 * int(quarter[1])) if quarter else (1, 12)
        return any(_overlap(period, date(year, months[0], 1), date(year, months[1], 28)) for year in years)
    if not info.date:
        return False
    try:
        day = date.fromisoformat(info.date[:10])
    except ValueError:
        return False
    return _overlap(period, day, day)


def _overlap(period: Period, first: date, last: date) -> bool:
    return (period.start is None or period.start <= last) and (period.end is None or first < period.end)


@lru_cache(maxsize=8192)  # a search reads the names of some hundred documents
def _name_keys(doc: str, title: str) -> frozenset[str]:
    return frozenset(_keys(f"{_stem(doc)} {title}") - STOP_WORDS)


@lru_cache(maxsize=8192)
def _author_words(author: str) -> frozenset[str]:
    return frozenset(word for word in _words(author.partition("@")[0]) if len(word) > 2)


def _stem(doc: str) -> str:
    """A file's name without folders and suffix; ten times as fast as with pathlib."""
    return os.path.splitext(os.path.basename(doc))[0]  # noqa: PTH119, PTH122


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _keys(text: str) -> set[str]:
    """The words of a name in lower case, letters and digits apart, and each two neighbours as one: "Best Buy" is
    BESTBUY, and 10-K is 10K."""
    words = _words(text)
    return {word for word in words if len(word) > 1 or word.isdigit()} | {a + b for a, b in pairwise(words)}
