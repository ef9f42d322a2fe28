"""The smallest parts of a hit that make sense alone: sentences, and rows of tables with the names of their columns."""

import re
from dataclasses import dataclass

from generation.orders import is_order, plain_spans
from retrieval.tables import cells, is_rule, named, read
from retrieval.types import Hit

# A line with fewer words and no end mark is a heading or label: it goes with what follows it.
LABEL_WORDS = 6
# Header lines that the heading above a passage repeats; to whom a message went is only in its own lines.
_KNOWN_LINE = re.compile(r"(?:Subject|From|Date|Attachments): ")


@dataclass(frozen=True, slots=True)
class Unit:
    """`[start:end)` of a document, and its text as the model is to read it."""

    start: int
    end: int
    text: str


def units(hit: Hit) -> list[Unit]:
    """The units of a hit, in order. A heading or label is one with the sentence or row after it. In tables of three
    columns or more a row says which column each cell stands in: small models lose count of columns. What gives the
    model orders is left out."""
    found: list[Unit] = []
    label: int | None = None
    text = hit.text
    spans = plain_spans(text)
    lines = [text[start:end] for start, end in spans]
    rows = read(lines, cells(hit.columns) if hit.columns else (), apart=hit.info.kind == "pdf")
    above = 0  # where the label begins that is not a head
    for (start, end), line, row in zip(spans, lines, rows, strict=True):
        if hit.info.kind == "mail" and start < _head_end(hit):
            if not _KNOWN_LINE.match(line):
                found.append(Unit(hit.start + start, hit.start + end, line))
            continue
        if is_rule(line):
            above = end
            continue
        begin = start if label is None else label
        if row.role == "head":
            label, above = begin, end
            continue
        if len(row.cells) < 2 and len(line.split()) < LABEL_WORDS and line[-1] not in ".!?":
            label = begin
            continue
        told = named(row.columns, row.cells) if row.role == "row" and row.columns else None
        before = text[max(begin, above) : start].lstrip() if told else text[begin:start]
        found.append(Unit(hit.start + begin, hit.start + end, before + (told or line)))
        label = None
    if label is not None:
        end = len(text.rstrip())
        found.append(Unit(hit.start + label, hit.start + end, text[label:end]))
    return [unit for unit in found if not is_order(unit.text)]


def _head_end(hit: Hit) -> int:
    """Where in the hit a message's own header lines end; 0 when it does not begin with them."""
    return len(hit.text.partition("\n\n")[0]) if hit.start == 0 else 0
