"""Tables of AsciiDoc as rows of cells."""

import csv
import re
from collections.abc import Iterator
from io import StringIO

from ingest.loaders.spans import MAX_SPAN, Cell, Hanging, row_of

# Columns as in [cols="1,2a,3*"]; "3*" stands for three.
_COLUMNS = re.compile(r"cols=(?:\"([^\"]{1,500})\"|([^\s,\]]{1,500}))")
_TIMES = re.compile(r"\s*(\d{1,3})\*")
# What may stand before a cell's bar: how often, or how many columns and rows ("3*", "2+", ".3+"), alignment and style.
_SPEC = re.compile(r"(?:^|(?<=\s))(?:(\d{1,3})?(?:\.(\d{1,3}))?([+*]))?(?:[<>^]|\.[<>^]){0,2}[adehlmsv]?\Z")


def rows_of(source: str, separator: str, settings: str) -> Iterator[list[str]]:
    """The rows of a table's source. `settings` is the line of attributes above it. Without columns in it a row has as
    many cells as the first line."""
    if separator == ",":
        try:
            yield from csv.reader(StringIO(source))
        except csv.Error:
            yield from (line.split(",") for line in source.split("\n"))
        return
    first = next((line for line in source.split("\n") if separator in line), "")
    width = _columns(settings) or sum(cell.columns for cell in _cells(first, separator))
    row: list[Cell] = []
    hanging: Hanging = {}
    for cell in _cells(source, separator):
        row.append(cell)
        if sum(one.columns for one in row) + len(hanging) >= width:
            yield row_of(row, hanging)
            row = []
    if row:
        yield row_of(row, hanging)


def _columns(settings: str) -> int:
    match = _COLUMNS.search(settings)
    if match is None:
        return 0
    parts = (match[1] or match[2]).split(",")
    return min(sum(int(times[1]) if (times := _TIMES.match(part)) else 1 for part in parts), MAX_SPAN)


def _cells(source: str, separator: str) -> Iterator[Cell]:
    """The cells between unescaped separators. What stands at the end of one may be the next one's span."""
    parts = re.split(rf"(?<!\\){re.escape(separator)}", source)
    columns, rows, times = _spec(parts[0])[1:]
    for number, part in enumerate(parts[1:], start=2):
        text, *following = _spec(part) if number < len(parts) else (part, 1, 1, 1)
        for _ in range(times):
            yield Cell(text.replace(f"\\{separator}", separator).strip(), columns, rows)
        columns, rows, times = following


def _spec(part: str) -> tuple[str, int, int, int]:
    """A cell's text without the next one's span; that one's columns and rows, and how often it stands there."""
    match = _SPEC.search(part)
    if match is None:
        return part, 1, 1, 1
    number = min(int(match[1] or 1), MAX_SPAN)
    rows = min(int(match[2] or 1), MAX_SPAN)
    repeated = match[3] == "*"
    return part[: match.start()], 1 if repeated else number, rows, number if repeated else 1
