"""Whether an answer holds the kind of thing that the question asks for: a figure, a time, a name.

A small model likes to say the question back ("a grower pays for a repair when the guarantee is over") or something
true beside the point. Both can be told without another model.
"""

import re
from typing import Literal

from generation.evidence import CURRENCIES, MONTHS, claims, dates, figures

Asked = Literal["figure", "time", "name"]

_BEFORE = r"^\W*(?:(?:and|but|so|then|by|with|to|for|from|since|until|of|at|in|on|about)\s+)*"
_ASKED: tuple[tuple[Asked, re.Pattern[str]], ...] = (
    (
        "figure",
        re.compile(
            r"\bhow (?:much|many|long|old|far|often|big|large|tall|high|deep|wide|fast|heavy|hot|cold)\b"
            rf"|{_BEFORE}wh(?:at|ich) .*\b(?:price|costs?|pays?|paid|charges?|earns?|fee|salary|percentage|share)\b",
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
_IN_CURRENCY = re.compile(rf"\bin ({'|'.join(CURRENCIES)})\b", re.IGNORECASE)
_YES_OR_NO = re.compile(
    r"^\W*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|may|must|shall|should|will|would)\b", re.I
)
# A month's name may be a word of another kind in lower case ("may", "march").
_TIME = re.compile(
    r"\b(?i:(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|yesterday|tomorrow|spring|summer|autumn|winter)\b"
    rf"|\b(?:{'|'.join(month.capitalize() for month in MONTHS)})\b"
)


def asked(question: str) -> Asked | None:
    """The kind of thing the question asks for, None when its wording does not tell."""
    return next((kind for kind, pattern in _ASKED if pattern.search(question)), None)


def states(answer: str, question: str) -> bool:
    """Whether the answer says something the question does not, of the kind it asks for."""
    currency = _IN_CURRENCY.search(question)
    if currency and not CURRENCIES[currency[1].lower()].search(answer):
        return False
    kind = asked(question)
    numbers = figures(answer) - figures(question)
    if kind == "figure":
        return bool(numbers)
    if kind == "time":
        return bool(numbers or dates(answer)[0] or _TIME.search(answer))
    if kind == "name":
        # The first word of an answer may be a name too: "Marian decided."
        names = claims(f"- {answer}").names
        return bool(names - claims(question).words or numbers)
    return not restates(answer, question)


def restates(answer: str, question: str) -> bool:
    """Whether the answer says nothing that the question does not; what answers yes or no may."""
    new = claims(answer).words - claims(question).words or figures(answer) - figures(question)
    return not new and not _YES_OR_NO.match(question)
