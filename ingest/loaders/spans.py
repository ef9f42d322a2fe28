"""Cells of tables that take several columns or rows."""

from collections.abc import Iterable
from dataclasses import dataclass

# A cell that is said to take more columns or rows takes this many; of its text so many characters are said again.
MAX_SPAN, _MAX_REPEATED = 200, 200


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, and the columns and rows that it takes."""

    text: str
    columns: int = 1
    rows: int = 1


# The columns that cells of rows above reach down into, with the rows left and the text.
Hanging = dict[int, tuple[int, str]]


def row_of(cells: Iterable[Cell], hanging: Hanging) -> list[str]:
    """The texts of a row, one for each column. A cell over several rows stands in each of them, else the cells after it
    would change columns; of a cell over several columns the others are empty. `hanging` is brought up to date."""
    row: list[str] = []
    below: Hanging = {}

    def fill() -> None:
        while (found := hanging.pop(len(row), None)) is not None:
            left, text = found
            if left > 1:
                below[len(row)] = (left - 1, text)
            row.append(text)

    for cell in cells:
        fill()
        for at in range(min(max(cell.columns, 1), MAX_SPAN)):
            shown = "" if at else cell.text
            if cell.rows > 1:
                below[len(row)] = (min(cell.rows, MAX_SPAN) - 1, shown[:_MAX_REPEATED])
            row.append(shown)
    fill()
    hanging.clear()
    hanging.update(below)
    return row


def span(value: str | None) -> int:
    """How many columns or rows an attribute of a cell says that it takes."""
    value = (value or "").strip()
    return min(max(int(value), 1), MAX_SPAN) if value.isascii() and value.isdigit() and len(value) < 5 else 1
