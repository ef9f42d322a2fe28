"""The smallest parts of a hit that make sense alone: sentences, and rows of tables with the names of their columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from generation.orders import is_order, plain_spans
from retrieval.tables import cells, is_data, is_rule, named, names_periods
from retrieval.types import Hit

# A line with fewer words and no end mark is a heading or label: it goes with what follows it.
_LABEL_WORDS = 6
# Header lines that the heading above a passage repeats; to whom a message went is only in its own lines.
_KNOWN_LINE = re.compile(r"(?:Subject|From|Date|Attachments): ")
_MIN_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Unit:
    """`[start:end)` of a document, and its text as the model is to read it."""

    start: int
    end: int
    text: str


def units(hit: Hit) -> list[Unit]:
    """The units of a hit, in order. A heading or label is one with the sentence after it. In tables of three columns or
    more a row says which column each cell stands in: small models lose count of columns. What gives the model orders is
    left out."""
    found: list[Unit] = []
    label: int | None = None
    columns = cells(hit.columns) if hit.columns else []
    text = hit.text
    spans = plain_spans(text)
    in_row = False
    for number, (start, end) in enumerate(spans):
        line = text[start:end]
        if hit.info.kind == "mail" and start < _head_end(hit):
            if not _KNOWN_LINE.match(line):
                found.append(Unit(hit.start + start, hit.start + end, line))
            continue
        row = cells(line)
        below_row, in_row = in_row, len(row) >= _MIN_COLUMNS
        begin = start if label is None else label
        if len(row) > 1 and is_rule(line):
            continue
        if _ends_table(line, row, hit):
            columns = []
        if names_periods(row) or (not columns and not below_row and _is_head(text, spans[number:], row)):
            columns = row
            label = begin
            continue
        if len(row) < 2 and len(line.split()) < _LABEL_WORDS and line[-1] not in ".!?":
            label = begin
            continue
        told = named(columns, row) if columns and len(row) >= _MIN_COLUMNS else None
        found.append(Unit(hit.start + begin, hit.start + end, told or text[begin:start] + line))
        label = None
    if label is not None:
        end = len(text.rstrip())
        found.append(Unit(hit.start + label, hit.start + end, text[label:end]))
    return [unit for unit in found if not is_order(unit.text)]


def _ends_table(line: str, row: list[str], hit: Hit) -> bool:
    """Whether the columns named before hold no longer: after a line that is no row of theirs, which in a PDF may be a
    subheading among them."""
    if hit.info.kind == "pdf":
        return len(row) < 2 and line[-1] in ".!?"
    return len(row) < _MIN_COLUMNS


def _is_head(text: str, spans: Sequence[tuple[int, int]], row: list[str]) -> bool:
    """Whether the first of these lines, the first row of a table, names its columns."""
    under = text[slice(*spans[1])] if len(spans) > 1 else ""
    return len(row) >= _MIN_COLUMNS and (not is_data(row) or is_rule(under))


def _head_end(hit: Hit) -> int:
    """Where in the hit a message's own header lines end; 0 when it does not begin with them."""
    return len(hit.text.partition("\n\n")[0]) if hit.start == 0 else 0
