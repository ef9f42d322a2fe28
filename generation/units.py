"""The smallest parts of a hit that make sense alone: sentences, and rows of tables with the names of their columns."""

import re
from dataclasses import dataclass

from generation.orders import is_order, plain_spans
from retrieval.types import Hit

# A line with fewer words and no end mark is a heading or label: it goes with what follows it.
_LABEL_WORDS = 6
# Header lines that the heading above a passage repeats; to whom a message went is only in its own lines.
_KNOWN_LINE = re.compile(r"(?:Subject|From|Date|Attachments): ")
_MIN_COLUMNS = 3
_RULE = re.compile(r"[|:\s-]+")
_CELL = re.compile(r"\s*\|\s*")


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
    columns = _cells(hit.columns) if hit.columns else []
    text = hit.text
    for start, end in plain_spans(text):
        line = text[start:end]
        if hit.info.kind == "mail" and start < _head_end(hit):
            if not _KNOWN_LINE.match(line):
                found.append(Unit(hit.start + start, hit.start + end, line))
            continue
        cells = _cells(line)
        if len(cells) < _MIN_COLUMNS:
            columns = []
        elif not columns:
            columns = cells
            label = start if label is None else label
            continue
        if len(cells) > 1 and _RULE.fullmatch(line):
            continue
        begin = start if label is None else label
        if len(cells) < 2 and len(line.split()) < _LABEL_WORDS and line[-1] not in ".!?":
            label = begin
            continue
        before = text[begin:start] if not columns else ""
        found.append(
            Unit(hit.start + begin, hit.start + end, before + (_row(columns, cells) if columns else line))
        )
        label = None
    if label is not None:
        end = len(text.rstrip())
        found.append(Unit(hit.start + label, hit.start + end, text[label:end]))
    return [unit for unit in found if not is_order(unit.text)]


def _head_end(hit: Hit) -> int:
    """Where in the hit a message's own header lines end; 0 when it does not begin with them."""
    return len(hit.text.partition("\n\n")[0]) if hit.start == 0 else 0


def _cells(line: str) -> list[str]:
    """The cells of a table's row; one for other lines."""
    return _CELL.split(line.strip().strip("|").strip()) if "|" in line else [line]


def _row(columns: list[str], cells: list[str]) -> str:
    """A row with its columns' names."""
    named = [
        f"{column}: {cell}" if column else cell
        for column, cell in zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False)
        if cell
    ]
    return "; ".join(named + cells[len(columns) :])
