"""The places in a text that name a time, each by itself: a day, a month, a quarter, a year, "last week".

A table of patterns, each with a function that reads what it finds; those seen from today are in `retrieval.near`. What
may be no time at all ("may", "march", 2000) needs a word beside it that tells: what is found here raises documents, so
that a miss is better than a mistake.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from retrieval import calendar_words as words
from retrieval.calendar_words import CENTURY, DAY, DAYS, MONTH, OF_YEAR, YEAR, Span, apart, before, compiled
from retrieval.near import NEAR

_Match = re.Match[str]

_ON_A_DAY = compiled(r"\b(?:on|since|until|am|of) (?:the )?$")


@dataclass(frozen=True, slots=True)
class Moment:
    """The place `[begin:stop)` of a time. `days` gives its first day and the day after its last in a given year, and
    raises ValueError when that year has no such day; `year` is the year that it names. When it is not `sure`, only
    another time beside it makes it one."""

    begin: int
    stop: int
    days: Callable[[int], Span]
    year: int | None = None
    sure: bool = True


def moments(text: str, today: date) -> list[Moment]:
    """All times that a text names, in order; of those that overlap the first, and the longest there."""
    found = []
    for pattern, read in (*_NAMED, *NEAR):
        for match in pattern.finditer(text):
            try:
                moment = read(match, today)
            except (ValueError, OverflowError):  # 31 February, 999 years ago
                continue
            if isinstance(moment, tuple):
                moment = _always(match, moment)
            if moment:
                found.append(moment)
    kept: list[Moment] = []
    for moment in sorted(found, key=lambda moment: (moment.begin, -moment.stop)):
        if not kept or kept[-1].stop <= moment.begin:
            kept.append(moment)
    return kept


def _always(match: _Match, span: Span, sure: bool = True) -> Moment:
    return Moment(match.start(), match.end(), lambda _: span, sure=sure)


def _year(match: _Match, today: date) -> int | None:
    return words.year_number(match["year"], today) if match["year"] else None


def _month_number(match: _Match) -> int:
    name = match["month"].rstrip(".").lower()
    return int(name) if name.isdigit() else words.MONTHS[name]


def _written_as_name(match: _Match) -> bool:
    """Whether a month beside a number has a capital that is not that of a sentence ("May 3 people join?"), or needs
    none."""
    has_capital = match["month"][0].isupper() and match.start("month") > 0
    return has_capital or match["month"].lower() not in words.VERBS


def _days(match: _Match, today: date) -> Moment | None:
    """One day or some days of a month."""
    month, year, first = _month_number(match), _year(match, today), int(match["day"])
    last = int(match.groupdict().get("last") or first)
    date(year or 2000, month, first), date(year or 2000, month, last)  # raises where there is none
    if last < first:
        return None
    lead = before(match, "month")
    return Moment(
        match.start(),
        match.end(),
        lambda year: (date(year, month, first), date(year, month, last) + DAY),
        year,
        bool(year or _written_as_name(match) or _ON_A_DAY.search(lead)),
    )


def _slashed(match: _Match, today: date) -> Moment | None:
    """05/13/2024 and 13/05/2024 are one day each; 05/03/2024 may be two."""
    low, high = sorted((int(match["one"]), int(match["other"])))
    if low != high <= 12:
        return None
    day = date(words.year_number(match["year"], today), low, high)
    return Moment(match.start(), match.end(), lambda _: (day, day + DAY), day.year)


def _month(match: _Match, today: date) -> Moment:
    text, lead, number = match.string, before(match), _month_number(match)
    year, name = _year(match, today), match["month"].lower().rstrip(".")
    has_capital = match["month"][0].isupper()
    if year:
        sure = _written_as_name(match) or not words.COUNTED.match(text, match.end())
    elif words.SURELY_TIME.search(lead):
        sure = True
    elif words.MAYBE_TIME.search(lead):
        sure = (has_capital or name not in words.ORDINARY) and not words.SURNAME.match(text, match.end())
    else:
        sure = has_capital and name not in words.AMBIGUOUS
    return Moment(match.start(), match.end(), lambda year: words.months(year, number, 1), year, sure)


def _part(match: _Match, today: date) -> Moment:
    """A quarter, or a half. A half needs its year: H1 may be a heading, and a page has halves too."""
    year, groups = _year(match, today), match.groupdict()
    unit = "quarter" if groups.get("quarter") else "half"
    size, which = words.MONTHS_IN[unit], match[unit].lower()
    number = 12 // size if which in ("last", "final") else words.PARTS[which]
    first = (number - 1) * size + 1
    sure = bool(year) or unit == "quarter"
    return Moment(match.start(), match.end(), lambda year: words.months(year, first, size), year, sure)


def _whole_year(match: _Match, today: date) -> Moment | None:
    """A year. A number alone is none when it is far ahead or counts something; a round one needs a word that tells."""
    text, stop, lead = match.string, match.end(), before(match)
    year, sure = words.year_number(match["year"], today), True
    if match["year"].isdigit():
        if year > today.year + 10 or words.LABELS.search(lead) or words.COUNTED.match(text, stop):
            return None
        sure = year % 100 > 0 or bool(words.MAYBE_TIME.search(lead) and not words.PLURAL.match(text, stop))
    return _always(match, words.months(year, 1, 12), sure)


def _years(match: _Match, today: date) -> Span | None:
    """2019-2021, 2019-21, 2019/20."""
    first, last = int(match["first"]), int(match["last"])
    last += first // 100 * 100 if last < 100 else 0
    return (date(first, 1, 1), date(last + 1, 1, 1)) if first < last else None


_NTH_QUARTER = "(?P<quarter>first|second|third|fourth|1st|2nd|3rd|4th)(?: |-)quarter"
_NTH_HALF = "(?P<half>first|second|1st|2nd)(?: |-)half"
_NAMED: tuple[tuple[re.Pattern[str], Callable[[_Match, date], Moment | Span | None]], ...] = (
    (
        apart(rf"(?P<year>{CENTURY})(?P<dash>[-/.])(?P<month>\d\d?)(?P=dash)(?P<day>\d\d?)"),
        _days,
    ),
    (apart(rf"(?P<day>\d\d?)\. ?(?P<month>\d\d?)\. ?(?P<year>{CENTURY})"), _days),
    (apart(rf"(?P<one>\d\d?)/(?P<other>\d\d?)/(?P<year>{CENTURY}|\d\d)"), _slashed),
    (apart(rf"{DAYS}\.?(?: |-)(?:of )?{MONTH}{OF_YEAR}"), _days),
    (apart(rf"{MONTH}(?: |-)(?:the )?{DAYS}{OF_YEAR}"), _days),
    (apart(rf"(?P<year>{CENTURY})[-/](?P<month>0[1-9]|1[0-2])(?!-)"), _month),
    (apart(rf"(?P<month>0?[1-9]|1[0-2])/(?P<year>{CENTURY})"), _month),
    (apart(rf"{MONTH}{OF_YEAR}"), _month),
    (apart(rf"(?:Q(?P<quarter>[1-4])|H(?P<half>[12])){OF_YEAR}"), _part),
    (apart(rf"(?:(?P<quarter>[1-4])Q|(?P<half>[12])H){OF_YEAR}"), _part),
    (apart(rf"(?:(?P<quarter>[1-4])Q|(?P<half>[12])H)(?P<year>{CENTURY}|['’]?\d\d)"), _part),
    (apart(rf"{YEAR}(?:['’]s)?(?:-| )?(?:Q(?P<quarter>[1-4])|H(?P<half>[12]))"), _part),
    (apart(rf"(?:{_NTH_QUARTER}|{_NTH_HALF}){OF_YEAR}(?! of\b)"), _part),
    (apart(rf"(?:(?P<quarter>last|final) quarter|(?P<half>last) half) of (?:the )?{YEAR}"), _part),
    (apart(rf"(?:(?:early|mid|late)(?:-| ))?{YEAR}(?!-\d)"), _whole_year),
    (apart(rf"(?:FY ?)?(?P<first>{CENTURY})(?:-|–|/)(?P<last>{CENTURY}|\d\d)(?!-)"), _years),
)
