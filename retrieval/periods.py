"""What a question says about when: the days that it speaks of, and whether it asks for the latest. No language model.

The times that it names (`retrieval.moments`) are put together by the words between and before them: two make a range
("between March and May 2024"), one lends another its year ("Q1 and Q2 2024"), "since" and "before" leave one side open.
A time without a year is the most recent one that has begun. Fiscal years are taken for years of the calendar.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from retrieval.calendar_words import DAY, LOOK_BACK, Span, around, compiled
from retrieval.moments import Moment, moments

# 29 February comes back after 8 years at the latest, around 1900 and 2100.
_YEARS_BACK = 9

# What stands between two times that belong together.
_FILL = "(?:(?:the|in|on|of|from|early|mid|late|beginning|start|middle|end) ){0,4}"
_TO = compiled(f" ?[-–—] ?{_FILL}| (?:to|until|till|through|bis) {_FILL}")
_AND = compiled(rf",? (?:and|or|vs\.?|versus|than|und|oder) {_FILL}")
_LIST = compiled(f" ?[,/&] ?{_FILL}")
# No words between two times are longer, in characters.
_MAX_GAP = 60

# What stands before a time. Which of its two days, the first or the one after the last, is a period's start or end.
_STARTS = {"since": 0, "starting": 0, "after": 1, "later than": 1}
_ENDS = {"before": 0, "prior to": 0, "earlier than": 0}
_ENDS |= {"until": 1, "till": 1, "up to": 1, "by": 1, "no later than": 1}
_EDGE = "(?:(?:the )?(?P<edge>start|beginning|middle|end|close) of )?(?:the )?(?:(?:early|mid|late)(?: |-))?"
_BETWEEN = compiled(rf"\b(?P<word>between|from) {_EDGE}$")
_OPEN = compiled(
    rf"\b(?P<unit>(?:days?|weeks?|months?|years?) )?(?P<word>{'|'.join([*_ENDS, *_STARTS])}|from)"
    rf" (?:(?:from|in|on) )?{_EDGE}$"
)
_ONWARDS = compiled(r" (?:on|onwards?)\b(?! (?:the\b|\d))")
_WEEK_OF = compiled(r"\bweek (?:of|beginning|starting|commencing) (?:(?:on|the) ){0,2}$")

_NOUNS = (
    "decisions?|versions?|releases?|updates?|changes?|edit|revision|draft|status|reports?|meetings?|messages?|mails?"
    "|e-?mails?|call|contact|letter|notes?|entry|post|reply|answer|statement|filing|order|invoice|offer|quote|price"
    "|payment|contract|agreement|review|visit|time|discussed|changed|updated|known"
)
_LATEST = (
    r"latest|newest|(?:most |more )?recent(?:ly)?|now(?:adays)?|these days|at present|presently|currently|anymore"
    r"|at the moment|as of (?:today|yet)|so far|(?<!year\s)(?<!year-)to date|up(?: |-)to(?: |-)date|still"
    # What electricians and accountants call current is not the latest.
    r"|(?<!electric\s)(?<!direct\s)(?<!alternating\s)current(?! (?:and|or|&|of|assets?|liabilit\w+|ratio|portion|debt"
    r"|accounts?|tax(?:es)?|maturit\w+|borrowings|receivables?|payables?|\d))"
    rf"|last (?:(?!week|month|quarter|year|few|\d)\w{{1,30}} ){{0,2}}(?:{_NOUNS})"
)
_ASKS_LATEST = compiled(rf"(?<![\w-])(?:{_LATEST})(?![\w-])|\byet ?\?")


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a question speaks of: `start` is in it, `end` is not; None is open. `text` is the words it was read
    from."""

    start: date | None
    end: date | None
    text: str


def periods(question: str, today: date) -> list[Period]:
    """All periods that a question names, in order. Their texts do not overlap."""
    named = moments(question, today)
    dated = _with_years(question, named)
    found: list[Period] = []
    place = at = 0
    while at < len(named):
        begin = named[at].begin
        lead = question[max(place, begin - LOOK_BACK) : begin]
        period = _from_two(question, named[at : at + 2], lead, today)
        at += 2 if period else 1
        period = period or _from_one(question, dated[at - 1], lead, today)
        if period:
            found.append(period)
        place = named[at - 1].stop
    return found


def asks_latest(question: str) -> bool:
    """Whether a question asks for how things are by now, or for the last of several."""
    return _ASKS_LATEST.search(question) is not None


def _with_years(question: str, named: Sequence[Moment]) -> list[Moment]:
    """The same times, where those of a list that name no year have that of the next one, or of the one before."""
    dated = list(named)
    for at in range(len(dated) - 2, -1, -1):
        here, other = dated[at], dated[at + 1]
        if other.year and not here.year and _stands_between(question, here, other, _AND, _LIST):
            dated[at] = replace(here, year=other.year, sure=True)
    for at in range(1, len(dated)):
        other, here = dated[at - 1], dated[at]
        # "In March and April", and not "in March and may be".
        alike = bool(other.year) or (other.sure and question[here.begin].isupper())
        if alike and not here.year and _stands_between(question, other, here, _AND):
            dated[at] = replace(here, year=other.year, sure=True)
    return dated


def _stands_between(question: str, first: Moment, second: Moment, *patterns: re.Pattern[str]) -> bool:
    if second.begin - first.stop > _MAX_GAP:
        return False
    return any(pattern.fullmatch(question, first.stop, second.begin) for pattern in patterns)


def _from_two(question: str, pair: Sequence[Moment], lead: str, today: date) -> Period | None:
    """The range from one time to the next, if the words say that."""
    if len(pair) < 2:
        return None
    first, last = pair
    between = _BETWEEN.search(lead)
    links = (_TO, _AND) if between and between["word"].lower() == "between" else (_TO,)
    if not (between or first.sure or last.sure) or not _stands_between(question, first, last, *links):
        return None
    days = _range(first, last, today)
    begin = first.begin - (len(lead) - between.start() if between else 0)
    return days and Period(*days, question[begin : last.stop])


def _range(first: Moment, last: Moment, today: date) -> Span | None:
    """From the first day of one to the last of the other. One year for both is that of the other, or the one beside it:
    "from November to February 2024"."""
    years = [last.year, last.year - 1] if last.year and not first.year else [first.year]
    for year in years:
        start = _days(first, year, today)
        if not start:
            continue
        for other in [last.year] if last.year else [start[0].year, start[0].year + 1]:
            end = _days(last, other, today)
            if end and start[0] <= end[0] and start[0] < end[1]:
                return start[0], end[1]
    return None


def _from_one(question: str, moment: Moment, lead: str, today: date) -> Period | None:
    """One time with the words before it: "since", "by the end of", "the week of"."""
    opened = _OPEN.search(lead)
    word = " ".join(opened["word"].lower().split()).replace("from", "since") if opened else ""
    days = _days(moment, moment.year, today, over=word == "after") if moment.sure else None
    if not days:
        return None
    text = question[moment.begin : moment.stop]
    if days[0] + DAY == days[1] and (week := _WEEK_OF.search(lead)):
        return Period(*around("week", days[0]), lead[week.start() :] + text)
    # "The day before 3 May" is near it, and "from 3 May" is that day, unless "on" follows.
    if (
        not opened
        or opened["unit"]
        or (opened["word"].lower() == "from" and not _ONWARDS.match(question, moment.stop))
    ):
        return Period(*days, text)
    edge = (opened["edge"] or "").lower()
    if edge in ("start", "beginning"):
        days = (days[0], days[0] + DAY)
    elif edge in ("end", "close"):
        days = (days[1] - DAY, days[1])
    start = days[_STARTS[word]] if word in _STARTS else None
    end = days[_ENDS[word]] if word in _ENDS else None
    return Period(start, end, lead[opened.start() :] + text)


def _days(moment: Moment, year: int | None, today: date, over: bool = False) -> Span | None:
    """The days of a time in a year; without one, of the most recent that has begun or is `over`, or of this year's."""
    if year:
        return _in(moment, year)
    for year in range(today.year, today.year - _YEARS_BACK, -1):
        days = _in(moment, year)
        if days and days[over] <= today:
            return days
    return _in(moment, today.year)


def _in(moment: Moment, year: int) -> Span | None:
    try:
        return moment.days(year)
    except (ValueError, OverflowError):  # 29 February, the year 0
        return None
