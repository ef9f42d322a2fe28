"""The words, the units and the pieces of patterns of the calendar, for `moments` and `near`: English, and German names
of months."""

import re
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

Span = tuple[date, date]
DAY = timedelta(days=1)

_FULL = "january february march april may june july august september october november december".split()
_SHORT = {name[:3]: n for n, name in enumerate(_FULL, 1)} | {"sept": 9, "okt": 10, "dez": 12}
_GERMAN = {
    "januar": 1,
    "februar": 2,
    "märz": 3,
    "mai": 5,
    "juni": 6,
    "juli": 7,
    "oktober": 10,
    "dezember": 12,
}
MONTHS = {name: n for n, name in enumerate(_FULL, 1)} | _GERMAN | _SHORT
# Months that are other words or people too; those that may be in lower case; and those that may be before a number.
AMBIGUOUS = {*_SHORT, "march", "april", "june", "august", "mai", "juli"}
ORDINARY = {*_SHORT, "march"}
VERBS = {"may", "march"}

WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
NEAR_DAYS = {
    "today": 0,
    "this morning": 0,
    "this afternoon": 0,
    "tonight": 0,
    "yesterday": -1,
    "last night": -1,
    "day before yesterday": -2,
    "tomorrow": 1,
    "day after tomorrow": 2,
}
STEPS = {"last": -1, "past": -1, "this": 0, "current": 0, "next": 1}
UNITS = {
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "quarter": relativedelta(months=3),
    "year": relativedelta(years=1),
}
MONTHS_IN = {"month": 1, "quarter": 3, "half": 6, "year": 12}
PARTS = {"1": 1, "first": 1, "1st": 1, "2": 2, "second": 2, "2nd": 2, "3": 3, "third": 3, "3rd": 3}
PARTS |= {"4": 4, "fourth": 4, "4th": 4}

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
# The least and the most that is meant: "a few days ago" is no certain day.
COUNTS = {word: (n, n) for n, word in enumerate(_NUMBERS, 1)}
COUNTS |= {"a": (1, 1), "an": (1, 1), "couple": (1, 3), "few": (2, 6), "several": (3, 9)}

# Pieces of patterns. Two numbers alone are a year only after an apostrophe or FY.
CENTURY = r"(?:19|20)\d\d"
_FISCAL = rf"(?:FY ?['’]?|(?:fiscal|financial|calendar) (?:year )?){CENTURY}|FY ?['’]?\d\d"
YEAR = rf"(?P<year>{_FISCAL}|{CENTURY}|['’](?:19|20)?\d\d|(?:last|this|next) (?:(?:fiscal|financial) )?year(?! of\b))"
OF_YEAR = rf"(?:(?:,? (?:(?:of|in) )?(?:the )?|[-/]?){YEAR})?"
_SHORT_MONTH = rf"(?:{'|'.join(sorted(_SHORT, reverse=True))})\b\.?"
MONTH = rf"(?!may (?:be|have|not|also)\b)(?P<month>{'|'.join([*_FULL, *_GERMAN])}|{_SHORT_MONTH})"
_DAY_NUMBER = r"(?P<{}>[0-3]?\d)(?!-[KQ]\b)(?:st|nd|rd|th)?"
_TO_DAY = f"(?: ?[-–/&] ?| (?:to|and|or|until|through) )(?:the )?{_DAY_NUMBER.format('last')}"
DAYS = f"{_DAY_NUMBER.format('day')}(?:{_TO_DAY})?"
UNIT = "(?:(?:fiscal|financial|calendar|business) )?(?P<unit>day|week|month|quarter|year)s?"
COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)}|(?:a )?(?:couple of|couple|few)|several|an?)"
_BLANK = "(?:[ \t\r\n\u00a0\u202f]{1,3})"
# As many characters before a time as any pattern that looks back can use.
LOOK_BACK = 80


def count(text: str) -> tuple[int, int]:
    """What `COUNT` found, as the least and the most that it means."""
    word = next((word for word in text.lower().split() if word not in ("a", "of")), "a")
    return (int(word), int(word)) if word.isdigit() else COUNTS[word]


def year_number(text: str, today: date) -> int:
    """What `YEAR` found."""
    digits = re.search(r"\d+$", text)
    if not digits:
        return today.year + STEPS[text.split()[0].lower()]
    number = int(digits[0])
    return number if number > 99 else number + (2000 if number < 70 else 1900)


def months(year: int, first: int, size: int) -> Span:
    """So many months from the first. ValueError for no year of the calendar."""
    start = date(year, first, 1)
    return start, start + relativedelta(months=size)


def around(unit: str, day: date) -> Span:
    """The day, or the week, month, quarter or year of the calendar, that holds a day."""
    if size := MONTHS_IN.get(unit):
        return months(day.year, (day.month - 1) // size * size + 1, size)
    start = day - day.weekday() * DAY if unit == "week" else day
    return start, start + UNITS[unit]


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for any case. Of ASCII letters only, or "ı" would be an "i". A blank in it stands for one to three
    blanks of any kind: what has a bound is fast on any text."""
    return re.compile(rf"(?ai:{pattern.replace(' ', _BLANK)})")


def apart(pattern: str) -> re.Pattern[str]:
    """A pattern that stands apart: it finds no amount, and no part of a word, a number, an address or an identifier."""
    return re.compile(
        rf"(?<![\w$€£#@])(?:(?<![-./:])|(?=[^\W\d])){compiled(pattern).pattern}(?!\w|[.:/]\d|\s?[%€$£])"
    )


def before(match: re.Match[str], group: int | str = 0) -> str:
    """What stands before a match or a group of it, as far as patterns look back."""
    return match.string[max(0, match.start(group) - LOOK_BACK) : match.start(group)]


# After these, a word is a month whatever its case; after those, if it has a capital.
SURELY_TIME = compiled(r"\b(?:in|since|during|until|till|im|seit) (?:(?:early|mid|late)(?: |-))?$")
MAYBE_TIME = compiled(
    r"(?:\b(?:in|since|during|until|till|by|before|after|from|of|for|between|through|about|year|early|late|the|our|my|your"
    r"|their|im|seit)|['’]s) $|\bmid(?: |-)$"
)
# A number after these is a name or a count, and before those a count: "room 2022", "2048 bytes".
LABELS = compiled(
    r"\b(?:room|pep|rfc|iso|din|version|v|ver|release|build|port|pages?|lines?|no|nr|number|issue|ticket|bug|pr|article"
    r"|section|chapter|paragraph|windows|office|server|exchange|studio|error|code|id|model|extension|flat|building|box"
    r"|exactly|at least|at most|approximately|roughly|nearly|almost)[.:]? $"
)
COUNTED = compiled(
    r" (?:users|people|employees|customers|members|bytes|bits|words|tokens|lines|rows|records|files|pages|characters"
    r"|requests|items|units|times|hours|minutes|seconds|days|years|miles|met(?:er|re)s|km|kg|[kmg]b|ms|px|watts|kcal"
    r"|calories|tons|tonnes|dollars|euros|pounds|usd|eur|gbp|percent|points|boxes|seats|votes)\b"
)
PLURAL = compiled(r" (?-i:[a-z]+s)\b")
SURNAME = compiled(r" (?-i:[A-Z][a-z])")
