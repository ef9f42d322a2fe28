"""Rows of tables in a text: their cells, and which rows name the columns of those after them.

Reports set a table's years apart from its rows, with subheadings between; a row without them says "2,853 | 3,053", and
nobody can tell which year is which.
"""

import re
from collections.abc import Sequence
from itertools import takewhile

_BAR = re.compile(r"\s*\|\s*")
_RULE = re.compile(r"[|:\s-]+")
_AMOUNT = re.compile(r"(?:[($€£¥+-]*\s*\d[\d.,]*(?:\s*[)%]+)*\s*)+|[—–-]+|N/A|n/a|#")
_YEAR = r"(?:19|20)\d\d"
_ONLY_YEAR = re.compile(_YEAR)
_YEARS = re.compile(rf"(?:(?<=\s)|^)(?:{_YEAR}\s+)+{_YEAR}$")
_PERIOD = re.compile(rf"(?<!\d){_YEAR}(?!\d)|\bQ[1-4]\b|\b(?:Change|Total|%)")

# Columns of years, with that of the rows' own names, that a row is told by which does not fit the head.
_LEAST_YEARS = 3


def cells(line: str) -> list[str]:
    """The cells of a table's row; one for other lines."""
    if "|" in line:
        return _BAR.split(line.strip().strip("|").strip())
    # "As of December 31, 2017 2016"
    years = _YEARS.search(line)
    return [line[: years.start()].strip(), *years[0].split()] if years else [line]


def is_rule(line: str) -> bool:
    """Whether a line only parts the head of a table from its body."""
    return _RULE.fullmatch(line) is not None


def is_data(row: Sequence[str]) -> bool:
    """Whether a cell after the first one is a figure; a year is none."""
    return any(_AMOUNT.fullmatch(cell) and not _ONLY_YEAR.fullmatch(cell) for cell in row[1:])


def names_periods(row: Sequence[str]) -> bool:
    """Whether a row, wherever it stands, names columns: it has times in at least two cells, and all but the first have
    one."""
    times = [bool(_PERIOD.search(cell)) for cell in row]
    return sum(times) > 1 and all(times[1:]) and not is_data(row)


def named(columns: Sequence[str], row: Sequence[str]) -> str | None:
    """The row with the names of its columns ("Rent; 2024: 10; 2025: 12"); None when it does not fit them. Nothing
    needs to stand over the rows' own names. Where a row has more or fewer cells than that, those under years at the
    beginning have their names if other columns follow: the change from year to year is given for some rows only, or in
    two cells."""
    if names_periods(columns) and _AMOUNT.fullmatch(row[0]):
        return None  # a sum without a name
    nameless = _ONLY_YEAR.fullmatch(columns[0]) or len(row) == len(columns) + 1
    names = ["", *columns] if nameless else list(columns)
    years = 1 + sum(1 for _ in takewhile(_ONLY_YEAR.fullmatch, names[1:]))
    if len(row) > len(names) or (len(row) < len(names) and is_data(row)):
        if years < min(len(row), _LEAST_YEARS) or (len(row) > len(names) == years):
            return None
        names = [*names[:years], *[""] * (len(row) - years)]
    unit = ""
    # What stands over the rows' own names may be no name of theirs: "December 31,", "(in millions)".
    if names[0].startswith("("):
        unit, names[0] = f" {names[0]}", ""
    elif names[0].endswith(","):
        names[0] = ""
    told = (f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell)
    return "; ".join(told) + unit
