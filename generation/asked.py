"""Whether an answer holds the kind of thing that the question asks for: a figure, a time, a name.

A small model likes to say the question back ("a grower pays for a repair when the guarantee is over") or something
true beside the point. Both can be told without another model.
"""

import re
from typing import Literal

from generation.evidence import CURRENCIES, DAYS, MONTHS, claims, dates, figures, stem
from retrieval.facts import facts

Asked = Literal["figure", "time", "name"]

_BEFORE = r"^\W*(?:(?:and|but|so|then|by|with|to|for|from|since|until|of|at|in|on|about)\s+)*"
_ASKED: tuple[tuple[Asked, re.Pattern[str]], ...] = (
    (
        "figure",
        re.compile(
            r"\bhow (?:much|many|long|old|far|often|big|large|tall|high|deep|wide|fast|heavy|hot|cold)\b"
            rf"|{_BEFORE}wh(?:at|ich) .*\b(?:price|costs?|pays?|paid|charges?|earns?|fee|salary|percentage|share)\b"
            rf"|{_BEFORE}what(?:'s|’s| is| was| are| were) (?:the |its |their )?(?:\w+ ){{0,2}}"
            r"(?:population|enrol?lment|size|length|height|width|depth|weight|age|temperature|speed|distance)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "time",
        re.compile(
            rf"{_BEFORE}(?:when\b|(?:what|which) (?:date|day|week|month|quarter|year|time)\b)", re.IGNORECASE
        ),
    ),
    ("name", re.compile(rf"{_BEFORE}(?:who|whom|whose|which|where)\b", re.IGNORECASE)),
)
_HOW_MANY = re.compile(r"\bhow many\b", re.IGNORECASE)
# Asks for a sum of money, which "ten years" is none of.
_MONEY = re.compile(
    r"\bhow much\b.*\b(?:costs?|pays?|paid|charges?|earns?|rent|spend|spent|owes?|money|salary|budget|price|fees?)\b"
    rf"|{_BEFORE}wh(?:at|ich) .*\b(?:price|salary|fee|rent)\b",
    re.IGNORECASE,
)
_SALARY = re.compile(r"\bsalar(?:y|ies)\b", re.IGNORECASE)
_DAY_RATE = re.compile(r"\d (?:a|per|each|an) (?:day|hour)\b|\b(?:daily|hourly|day) rate\b", re.IGNORECASE)
_PAID = re.compile(r"\b(?:salar|wages?\b|pay|paid|earn|income|compensat|remunerat)", re.IGNORECASE)
# Asks for what was said by and by, which no sentence holds.
_SUMMARY = re.compile(
    rf"{_BEFORE}(?:please |can you |could you )*(?:summari[sz]e|sum up|recap|outline)\b"
    r"|\b(?:summary|overview|gist|(?:main|key) points) of\b"
    r"|\bwhat (?:did|do|does|was|were|has|have|is)\b.*"
    r"\b(?:discuss\w*|talk(?:ed)? about|debated?|mainly about)\b",
    re.IGNORECASE,
)
_OPINION = re.compile(
    r"\bwhat (?:did|does|do|was|were)\b.*\b(?:say|think|thought|mention|explain|argue|suggest|recommend|propose|"
    r"elaborate|opinions?|views?)\b",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\b[\w.,]+[ -](?:year|month|week|day|hour|minute)s?\b", re.IGNORECASE)
_IN_CURRENCY = re.compile(rf"\bin ({'|'.join(CURRENCIES)})\b", re.IGNORECASE)
_YES_OR_NO = re.compile(
    r"^\W*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|may|must|shall|should|will|would)\b", re.I
)
# A month's name may be a word of another kind in lower case ("may", "march").
_TIME = re.compile(
    r"\b(?i:(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|yesterday|tomorrow|spring|summer|autumn|winter)\b"
    rf"|\b(?:{'|'.join(month.capitalize() for month in MONTHS)})\b"
)
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_CALENDAR = {stem(word) for word in (*MONTHS, *DAYS)}


def asked(question: str) -> Asked | None:
    """The kind of thing the question asks for, None when its wording does not tell."""
    return next((kind for kind, pattern in _ASKED if pattern.search(question)), None)


def wants_sum(question: str) -> bool:
    """Whether the question asks for a sum of money."""
    return bool(_MONEY.search(question))


def is_day_rate(quote: str, question: str) -> bool:
    """Whether a salary is asked for, and a quote has what somebody costs by the day or hour who is not said to be paid
    a salary."""
    return bool(_SALARY.search(question) and _DAY_RATE.search(quote) and not _PAID.search(quote))


def wants_summary(question: str, *, spoken: bool) -> bool:
    """Whether the question asks for what was said on a matter, which stands in many places; in a transcript (`spoken`)
    one person's opinion does, too."""
    return bool(_SUMMARY.search(question) or (spoken and _OPINION.search(question)))


def states(answer: str, question: str) -> bool:
    """Whether the answer says something the question does not, of the kind it asks for."""
    currency = _IN_CURRENCY.search(question)
    if currency and not CURRENCIES[currency[1].lower()].search(answer):
        return False
    kind = asked(question)
    numbers = figures(answer) - figures(question)
    if wants_sum(question):
        numbers = figures(_SPAN.sub(" ", answer)) - figures(question)
    if kind == "figure":
        return bool(numbers)
    if kind == "time":
        return bool(numbers or dates(answer)[0] or _TIME.search(answer))
    if kind == "name":
        # The first word of an answer may be a name too: "Marian decided."
        names = claims(f"- {answer}").names
        return bool(names - claims(question).words or numbers)
    return not restates(answer, question)


def adds(answer: str, source: str, question: str) -> bool:
    """Whether the source says more of what is asked for than its answer does: other names, other days and years, other
    figures of the same unit. Where the question's wording does not tell the kind of thing, or the answer to "who" and
    "where" is no name, two words more are enough."""
    kind = asked(question)
    known = claims(f"- {answer}\n{question}")
    told = claims(f"- {source}")
    if kind == "time":
        return bool(_times(source) - _times(f"{answer}\n{question}"))
    if kind == "figure" and _HOW_MANY.search(question) and _counts(source) - _counts(f"{answer}\n{question}"):
        return True
    if kind == "figure":
        return bool(_amounts(source, answer) - _amounts(answer, answer) - _amounts(question, answer))
    if kind == "name" and claims(f"- {answer}").names - claims(question).words:
        return bool(told.names - known.names - known.words - _CALENDAR)
    return len(told.words - known.words) + len(told.figures - known.figures) > 1


def _times(text: str) -> set[str]:
    found, rest = dates(text)
    return {f"{date.day} {date.month}" for date in found} | set(_YEAR.findall(rest))


def _amounts(text: str, answer: str) -> set[str]:
    """The figures of a text that are of one kind with those of the answer; where that names no unit, those that have
    none."""
    told, said = (facts(_YEAR.sub(" ", dates(t)[1])) for t in (text, answer))
    kinds = {fact.kind for fact in said}
    if kinds:
        return {fact.value for fact in told if fact.kind in kinds}
    return figures(_YEAR.sub(" ", dates(text)[1])) - {fact.value for fact in told}


def _counts(text: str) -> set[str]:
    """The numbers of things that a text counts: no sums, shares, days or spans of time."""
    told = facts(_SPAN.sub(" ", _YEAR.sub(" ", dates(text)[1])))
    return {fact.value for fact in told if fact.kind.isalpha() and fact.kind != "date"}


def restates(answer: str, question: str) -> bool:
    """Whether the answer says nothing that the question does not; what answers yes or no may."""
    new = claims(answer).words - claims(question).words or figures(answer) - figures(question)
    return not new and not _YES_OR_NO.match(question)
