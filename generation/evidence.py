"""Whether a sentence is borne out by a text: its figures, dates and names must stand there, and its words
must mostly do.

A date is more than its parts: where a source has "3 September" and "10 October", nothing is on 10 September.

Every check is lexical and says no when in doubt. It can't tell a true sentence from a false one that is made of
the source's own words; it does tell an invented number, date or name, and a sentence about something else.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from retrieval.stop_words import STOP_WORDS
from retrieval.words import content_words

MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100"} | {
    word: str(value)
    for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), start=1)
}  # fmt: skip
# What says yes adds nothing to what it says yes to.
_YES = frozenset("yes yeah correct indeed ja oui sí".split())
# In a claim these are mostly no numbers ("one of the reasons", "first, ...").
_LOOSE = frozenset({"one", "first", "second", "third"})
_COUNTS = _NUMBER_WORDS.keys() - _LOOSE
# A figure: digits with separators inside; what sticks to it (a unit, a currency, "Q") is no part of it.
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_FISCAL = re.compile(r"\bFY ?(?=\d)")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_ABBREVIATED = {month[:3]: month for month in MONTHS} | {"sept": "september"}
# "May" only with its capital: it is a verb too.
_MONTH_NAME = (
    r"((?:[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ept?|[Oo]ct|[Nn]ov|[Dd]ec)[a-z]{0,6}|May)\b\.?"
)
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?[ ](?:of )?{_MONTH_NAME}(?:,?[ ](\d{{4}})\b)?")
_MONTH_DAY = re.compile(rf"\b{_MONTH_NAME}[ ](\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?[ ](\d{{4}})\b)?")
CURRENCIES = {
    "euros": re.compile(r"€|\bEUR\b|\beuros?\b"),
    "pounds": re.compile(r"£|\bGBP\b|\bpounds?\b"),
    "dollars": re.compile(r"\$|\bUSD\b|\b[Dd]ollars?\b"),
    "yen": re.compile(r"¥|\bJPY\b|\byen\b"),
}
_ROMAN = {
    numeral: str(value)
    for value, numeral in enumerate("II III IV V VI VII VIII IX X XI XII".split(), start=2)
}
# "Battlefront II", not the pronoun I.
_NUMERAL = re.compile(rf"(?<=\w )({'|'.join(sorted(_ROMAN, key=len, reverse=True))})\b")
_SUFFIXES = ("ations", "ation", "ingly", "edly", "ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "e")


@dataclass(frozen=True, slots=True)
class Claims:
    """What of a sentence can be checked: figures (normalised), names, other content words (stems)."""

    figures: frozenset[str]
    names: frozenset[str]
    words: frozenset[str]
    dates: frozenset["Date"]


@dataclass(frozen=True, slots=True)
class Date:
    """A day of a month (its full name, lower case), with its year if that is said."""

    day: str
    month: str
    year: str | None

    def agrees(self, other: "Date") -> bool:
        """Whether both can be the same day."""
        years = {self.year, other.year} - {None}
        return (self.day, self.month) == (other.day, other.month) and len(years) < 2


@dataclass(frozen=True, slots=True)
class Support:
    """How far a text bears out a sentence. `missing` are figures, dates and names that are not in it; `coverage` is the
    share (0 to 1) of the sentence's content words and figures that are, `added` that of those which neither the
    question has nor what was said before it; None where they have all."""

    missing: frozenset[str]
    coverage: float
    added: float | None


@lru_cache(maxsize=64)  # a sentence and its question are held against every span of every hit
def claims(sentence: str) -> Claims:
    """The checkable parts of a sentence. A capitalised word counts as a name unless it begins the sentence
    and is no name elsewhere in it. A fiscal year is the year that its source has."""
    sentence = _FISCAL.sub("", sentence)
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
            names.add(_form(lower.removesuffix("'s").removesuffix("’s")))
    plain = {m.group().lower().removesuffix("'s").removesuffix("’s") for m in words}
    content = {_form(word) for word in plain - STOP_WORDS - _YES - _COUNTS}
    counted = figures(" ".join(word for word in sentence.split() if word.lower().strip(".,;:") not in _LOOSE))
    return Claims(frozenset(counted), frozenset(names), frozenset(content), frozenset(dates(sentence)[0]))


def dates(text: str) -> tuple[set[Date], str]:
    """The days that `text` names, and what is left of it without them."""
    found: set[Date] = set()

    def take(day: str, month: str, year: str | None) -> str:
        found.add(Date(day.lstrip("0"), month, year))
        return " | "

    def iso(match: re.Match[str]) -> str:
        month = int(match.group(2))
        return take(match.group(3), MONTHS[month - 1], match.group(1)) if 1 <= month <= 12 else match.group()

    text = _ISO_DATE.sub(iso, text)
    text = _DAY_MONTH.sub(lambda m: take(m.group(1), _full(m.group(2).lower()), m.group(3)), text)
    text = _MONTH_DAY.sub(lambda m: take(m.group(2), _full(m.group(1).lower()), m.group(3)), text)
    return found, text


def _full(word: str) -> str:
    """The full name of an abbreviated month; other words as they are."""
    return _ABBREVIATED.get(word, word)


def forms(text: str) -> set[str]:
    """The content words of `text`; those that are forms of one word are the same."""
    return {_form(word) for word in content_words(text)}


def _form(word: str) -> str:
    """What words that are forms of one have in common; lower case is expected."""
    return stem(_full(word))


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


def support(sentence: str, source: str, question: str = "", before: str = "") -> Support:
    """How far `source` bears out `sentence`. An amount or a word that the question brought need not stand in the source
    ("a purchase of £8,000" where the source has "up to £25,000") as long as the sentence adds something to the
    question; its names, dates and years must, else the source is about something else. What was said `before` the
    question is not added to it either."""
    claimed = _added(claims(sentence), question)
    have_words = {_form(word.lower()) for word in _WORD.findall(source)}
    have_words |= {_form(part) for word in _WORD.findall(source) for part in re.split(r"['’-]", word.lower())}
    have_figures = figures(source)
    have_figures |= {_ROMAN[numeral] for numeral in _NUMERAL.findall(source)}
    have_dates, rest = dates(source)
    have_words |= {stem(date.month) for date in have_dates}
    have_words |= {_form(name) for name, sign in CURRENCIES.items() if sign.search(source)}
    missing = set(claimed.figures - have_figures)
    missing |= {
        name for name in claimed.names if name not in have_words and not _hyphenated(name, have_words)
    }
    # A sum that was put into another currency has the source's figure and is wrong all the same.
    missing |= {
        name for name, sign in CURRENCIES.items() if sign.search(sentence) and not sign.search(source)
    }
    if claimed.dates:
        # "3 and 5 September", "in September: 3 and 5": a day that is part of no date may belong to any month.
        loose = figures(rest)
        missing |= {
            f"{date.day} {date.month}"
            for date in claimed.dates
            if not any(date.agrees(other) for other in have_dates)
            and not (date.day in loose and stem(date.month) in have_words)
        }
    known = {word for word in claimed.words if word in have_words or _hyphenated(word, have_words)}
    told = claimed.figures & have_figures
    coverage = _share(len(known) + len(told), len(claimed.words) + len(claimed.figures))
    new = claimed.words - claims(question).words - claims(before).words
    amounts = claimed.figures - figures(question) - figures(before)
    added = _share(len(known & new) + len(told & amounts), len(new) + len(amounts))
    return Support(frozenset(missing), coverage, added if new or amounts else None)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _added(claimed: Claims, question: str) -> Claims:
    """The claims without the amounts and plain words of the question, if anything else is left of them."""
    given = claims(question)
    amounts = {figure for figure in figures(question) if not _YEAR.fullmatch(figure)}
    if not (claimed.figures - amounts or claimed.words - given.words):
        return claimed
    words = given.words - given.names
    return replace(claimed, figures=claimed.figures - amounts, names=claimed.names - words)


def shared_words(text: str, source: str) -> str:
    """The words, not figures, of `text` that `source` has too, in any form."""
    have = {_form(word.lower()) for word in _WORD.findall(source)}
    return " ".join(word for word in _WORD.findall(text) if _form(word.lower()) in have)


def _hyphenated(word: str, have: set[str]) -> bool:
    """Whether all parts of "follow-up" are known."""
    parts = [part for part in re.split(r"['’-]", word) if len(part) > 1]
    return len(parts) > 1 and all(_form(part) in have for part in parts)
