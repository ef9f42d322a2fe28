"""Rows of tables in a text: their cells, and which rows name the columns of those after them.

Reports set a table's years apart from its rows, with subheadings between; a row without them says "2,853 | 3,053", and
nobody can tell which year is which.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

# A table of fewer columns is a list of names and their values.
MIN_COLUMNS = 3
_BAR = re.compile(r"\s*\|\s*")
_RULE = re.compile(r"[|:\s-]+")
# Possessive: a row of a million digits is tried once.
_AMOUNT = re.compile(r"[($€£¥+-]*\s*\d[\d.,\s)%($€£¥+-]*+|[—–-]+|N/A|n/a")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_PERIOD = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\bQ[1-4]\b|^(?:Change|Total|%)")
# A line of years alone or after a few words; longer ones are no heads.
_MAX_HEAD = 120
# Columns of years, with that of the rows' own names, that a row is told by which does not fit the head.
_LEAST_YEARS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text: whether it names columns, is a row below them, or neither; its cells, and the names of the
    columns that are in force there (a head's are its own)."""

    role: Literal["head", "row", "other"]
    cells: Sequence[str]
    columns: Sequence[str]


def cells(line: str) -> list[str]:
    """The cells of a table's row; one for other lines."""
    if "|" in line:
        return _BAR.split(line.strip().strip("|").strip())
    words = line.split() if len(line) <= _MAX_HEAD else []
    years = list(takewhile(_YEAR.fullmatch, reversed(words)))[::-1]
    # "As of December 31, 2017 2016"
    return [" ".join(words[: -len(years)]), *years] if len(years) > 1 else [line]


def is_rule(line: str) -> bool:
    """Whether a line only parts the head of a table from its body."""
    return "|" in line and _RULE.fullmatch(line) is not None


def is_figure(cell: str) -> bool:
    """Whether a cell is an amount, or stands for none; years and dates are none."""
    return bool(_AMOUNT.fullmatch(cell)) and not _YEAR.fullmatch(cell) and not _ISO_DATE.fullmatch(cell)


def is_data(row: Sequence[str]) -> bool:
    """Whether a cell after the first one is a figure."""
    return any(map(is_figure, row[1:]))


def names_periods(row: Sequence[str]) -> bool:
    """Whether a row has times in at least two cells, and all but the first have one."""
    times = [bool(_PERIOD.search(cell)) for cell in row]
    return sum(times) > 1 and all(times[1:]) and not is_data(row)


def read(lines: Sequence[str], columns: Sequence[str] = (), *, apart: bool = False) -> list[Line]:
    """What each line is. The first row of a table names its columns; with `columns` the text begins below a head that
    stands elsewhere. `apart` is for PDFs: subheadings may stand among the rows, so that columns hold until a sentence
    or another head, and a table may have no head, so that a row of figures is none."""
    found: list[Line] = []
    below = bool(columns)
    under_head = False
    for at, line in enumerate(lines):
        row = cells(line)
        periods = names_periods(row)
        if is_rule(line) or (len(row) < MIN_COLUMNS and not periods):
            if not is_rule(line):
                below = under_head = False
                columns = columns if apart and (len(row) > 1 or line[-1:] not in (".", "!", "?")) else ()
            found.append(Line("other", row, columns))
            continue
        ruled = at + 1 < len(lines) and is_rule(lines[at + 1])
        head = periods or ruled or not (apart and is_data(row))
        # A head may have two rows, the second one of more columns.
        if head and (not below or (periods and under_head and len(row) > len(columns))):
            columns, under_head = row, True
            found.append(Line("head", row, columns))
        else:
            under_head = False
            found.append(Line("row", row, columns))
        below = True
    return found


def named(columns: Sequence[str], row: Sequence[str]) -> str | None:
    """The row with the names of its columns ("Item: Rent; 2024: 10; 2025: 12"); cells beyond them stand without. None
    where columns are times and the row does not fit them: of a wrong year a figure is worse than of none. There nothing
    needs to stand over the rows' own names, and where other columns follow those of years (the change from year to
    year, for some rows or in two cells) the years keep their names."""
    names = list(columns)
    if names_periods(columns):
        if is_figure(row[0]):
            return None  # a sum without a name
        if _YEAR.fullmatch(names[0]) or len(row) == len(names) + 1:
            names.insert(0, "")
        years = 1 + sum(1 for _ in takewhile(_YEAR.fullmatch, names[1:]))
        if len(row) > len(names) or (len(row) < len(names) and is_data(row)):
            if years < min(len(row), _LEAST_YEARS) or (len(row) > len(names) == years):
                return None
            names = names[:years]
    unit = ""
    # What stands over the rows' own names may be no name of theirs: "December 31,", "(in millions)".
    if names[0].startswith("("):
        unit, names[0] = f" {names[0]}", ""
    elif names[0].endswith(","):
        names[0] = ""
    names += [""] * (len(row) - len(names))
    told = (f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell)
    return "; ".join(told) + unit
