"""Times as they are seen from today: "yesterday", "last week", "two months ago", "next March"."""

import re
from collections.abc import Callable
from datetime import date

from retrieval import calendar_words as words
from retrieval.calendar_words import COUNT, DAY, MONTH, UNIT, Span, apart, around, before, compiled

_Match = re.Match[str]
_AS_OF = compiled(r"\bas of $")


def _unit(match: _Match, today: date) -> Span | None:
    """The last week is the one of the calendar without "the", and else goes back from today, as past ones do."""
    which, unit, count = match["which"].lower(), match["unit"].lower(), match["count"]
    if (unit == "day" and not count) or (count and which not in ("last", "past")):
        return None  # "the last day to register"
    step = words.UNITS[unit]
    if count or which == "past" or (which == "last" and match["the"] and unit != "quarter"):
        return today - step * words.count(count or "a")[1], today + DAY
    return around(unit, today + step * words.STEPS[which])


def _ago(match: _Match, today: date) -> Span:
    unit, (least, most) = match["unit"].lower(), words.count(match["count"])
    return around(unit, today - words.UNITS[unit] * most)[0], around(unit, today - words.UNITS[unit] * least)[
        1
    ]


def _hours(match: _Match, today: date) -> Span:
    return today - -(-int(match["count"]) // 24) * DAY, today + DAY


def _month(match: _Match, today: date) -> Span | None:
    """Last March is the latest that is over, next March the first to come. "This may be" is no month."""
    which, number = match["which"].lower(), words.MONTHS[match["month"].rstrip(".").lower()]
    if which != "last" and not match["month"][0].isupper():
        return None
    later = {"last": -(number >= today.month), "this": 0, "next": number <= today.month}[which]
    return words.months(today.year + later, number, 1)


def _weekday(match: _Match, today: date) -> Span:
    which, ahead = match["which"].lower(), words.WEEKDAYS.index(match["weekday"].lower()) - today.weekday()
    if which == "next":
        ahead += 7 * (ahead <= 0)
    elif which != "this":
        ahead -= 7 * (ahead >= 0)
    return today + ahead * DAY, today + (ahead + 1) * DAY


def _day(match: _Match, today: date) -> Span | None:
    if _AS_OF.search(before(match)):
        return None  # which asks for the latest
    day = today + words.NEAR_DAYS[" ".join(match[0].lower().split())] * DAY
    return day, day + DAY


def _this_one(match: _Match, today: date) -> Span:
    return around(match["unit"].lower(), today)


def _year_to_date(match: _Match, today: date) -> Span:
    return date(today.year, 1, 1), today + DAY


NEAR: tuple[tuple[re.Pattern[str], Callable[[_Match, date], Span | None]], ...] = (
    (apart(rf"(?P<the>the )?(?P<which>{'|'.join(words.STEPS)}) (?:{COUNT} )?{UNIT}(?! of\b)"), _unit),
    (apart(rf"{COUNT} {UNIT} ago"), _ago),
    (apart(r"(?:the )?(?:last|past) (?P<count>\d{1,3}) hours"), _hours),
    (apart(rf"(?P<which>last|this|next) {MONTH}(?! \d)"), _month),
    (apart(rf"(?P<which>last|past|this|next) (?P<weekday>{'|'.join(words.WEEKDAYS)})"), _weekday),
    (apart("|".join(words.NEAR_DAYS)), _day),
    (
        apart(
            r"(?:(?<=end\sof\s)|(?<=start\sof\s)|(?<=beginning\sof\s))the (?P<unit>week|month|quarter|year)"
        ),
        _this_one,
    ),
    (apart("year(?: |-)to(?: |-)date|YTD"), _year_to_date),
)
