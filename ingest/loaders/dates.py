"""Dates as people write them into their pages."""

import re
from datetime import UTC, date, datetime
from typing import Any

from dateutil import parser

# No date is longer; dateutil need not see the rest.
_MAX_LENGTH = 64
# Two days that have no field in common: what a string leaves open shows as a difference between them.
_DEFAULTS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2003, 2, 2, tzinfo=UTC))

# Set apart from other digits, so that no day is found in a version or an identifier.
_DAY_IN_NAME = re.compile(r"(?<![\d.])(\d{4})([-_.]?)(\d{2})\2(\d{2})(?![\d.]*\d)", re.ASCII)
# A date as programs write it below a page: "Last updated on May 17, 2024."
_DAY_IN_TEXT = re.compile(
    r"\d{4}-\d\d-\d\d|\w+\.? \d{1,2},? \d{4}|\d{1,2}\.? \w+\.? \d{4}|\d{1,2}[./]\d{1,2}[./]\d{4}"
)


def last_day_in(text: str) -> str | None:
    """The last day that a line of text names, as ISO 8601."""
    found = _DAY_IN_TEXT.findall(text)
    return day(found[-1]) if found else None


def day_in_name(name: str) -> str | None:
    """The day that a file's name begins with or holds (2024-03-05-standup.md, notes_20240305.txt), as ISO 8601.
    None when it names none, or several that differ."""
    days = set()
    for year, _, month, of_month in _DAY_IN_NAME.findall(name):
        try:
            found = date(int(year), int(month), int(of_month))
        except ValueError:
            continue
        if 1970 <= found.year < 2100:
            days.add(found.isoformat())
    return days.pop() if len(days) == 1 else None


def day(value: Any) -> str | None:
    """The day that `value` names, as ISO 8601. None for what is no date, or leaves the day, month or year open.
    With dots the day comes first (3.9.2024), with slashes the month (9/3/2024)."""
    text = str(value).strip()
    if not 6 <= len(text) <= _MAX_LENGTH:
        return None
    day_first = re.match(r"\d{1,2}\.", text) is not None
    try:
        first, second = (
            parser.parse(text, default=d, ignoretz=True, dayfirst=day_first).date() for d in _DEFAULTS
        )
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        return None
    return first.isoformat() if first == second and first.year >= 1000 else None
