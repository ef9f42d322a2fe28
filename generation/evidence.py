"""Whether a sentence is borne out by a text: its figures, dates and names must stand there, and its words
must mostly do.

Every check is lexical and says no when in doubt. It can't tell a true sentence from a false one that is made of
the source's own words; it does tell an invented number, date or name, and a sentence about something else.
"""

import re
from dataclasses import dataclass

from retrieval.words import STOP_WORDS

_MONTHS = "january february march april may june july august september october november december".split()
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100"} | {
    word: str(value)
    for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), start=1)
}  # fmt: skip
# In a claim these are mostly no numbers ("one of the reasons", "first, ...").
_LOOSE = frozenset({"one", "first", "second", "third"})
# A figure: digits with separators inside; what sticks to it (a unit, a currency, "Q") is no part of it.
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_SUFFIXES = ("ations", "ation", "ingly", "edly", "ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "e")


@dataclass(frozen=True, slots=True)
class Claims:
    """What of a sentence can be checked: figures (normalised), names, other content words (stems)."""

    figures: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Support:
    """How far a text bears out a sentence. `missing` are figures, dates and names that are not in it;
    `coverage` is the share (0 to 1) of the sentence's content words that are."""

    missing: frozenset[str]
    coverage: float


def claims(sentence: str) -> Claims:
    """The checkable parts of a sentence. A capitalised word counts as a name unless it begins the sentence
    and is no name elsewhere in it."""
    words = list(_WORD.finditer(sentence))
    names: set[str] = set()
    for match in words:
        word = match.group()
        lower = word.lower()
        if not word[0].isupper() or lower in STOP_WORDS or lower in _NUMBER_WORDS:
            continue
        opens = (
            not sentence[: match.start()].strip(" \"'“‘([*")
            or sentence[: match.start()].rstrip()[-1:] in ".!?:"
        )
        if not opens or word.isupper():
            names.add(stem(lower.removesuffix("'s").removesuffix("’s")))
    content = {stem(m.group().lower()) for m in words if m.group().lower() not in STOP_WORDS}
    counted = figures(" ".join(word for word in sentence.split() if word.lower().strip(".,;:") not in _LOOSE))
    return Claims(frozenset(counted), frozenset(names), frozenset(content))


def figures(text: str) -> set[str]:
    """The numbers of `text` in one spelling: no thousands separators, no trailing zeros after the point, small
    number words as digits; and the parts of ISO dates (day and month without leading zero)."""
    found: set[str] = set()
    for match in _FIGURE.finditer(text):
        raw = match.group().rstrip(".,:")
        found.add(_normal(raw))
        if ":" in raw:
            found.update(_normal(part) for part in raw.split(":"))
    for match in _ISO_DATE.finditer(text):
        found.update(part.lstrip("0") for part in match.groups())
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _NUMBER_WORDS:
            found.add(_NUMBER_WORDS[word])
    return found


def _normal(raw: str) -> str:
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", raw)
    if re.fullmatch(r"\d+\.\d+", plain):
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"


def stem(word: str) -> str:
    """A crude stem, only good for telling whether two words are forms of one: "launched", "launching" and
    "launch" give the same."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def support(sentence: str, source: str) -> Support:
    """How far `source` bears out `sentence`."""
    claimed = claims(sentence)
    have_words = {stem(word.lower()) for word in _WORD.findall(source)}
    have_words |= {stem(part) for word in _WORD.findall(source) for part in re.split(r"['’-]", word.lower())}
    have_figures = figures(source)
    for match in _ISO_DATE.finditer(source):  # "2024-09-03" bears out "September"
        month = int(match.group(2))
        if 1 <= month <= 12:
            have_words |= {stem(_MONTHS[month - 1]), _MONTHS[month - 1][:3]}
    have_words |= {stem(full) for full in _MONTHS if full[:3] in have_words}
    missing = set(claimed.figures - have_figures)
    missing |= {
        name for name in claimed.names if name not in have_words and not _hyphenated(name, have_words)
    }
    known = sum(1 for word in claimed.words if word in have_words or _hyphenated(word, have_words))
    known += len(claimed.figures & have_figures)
    total = len(claimed.words) + len(claimed.figures)
    return Support(frozenset(missing), known / total if total else 0.0)


def _hyphenated(word: str, have: set[str]) -> bool:
    """Whether all parts of "follow-up" are known."""
    parts = [part for part in re.split(r"['’-]", word) if len(part) > 1]
    return len(parts) > 1 and all(stem(part) in have for part in parts)
