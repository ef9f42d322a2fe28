"""What the lines of a page make up: paragraphs, lists, tables, and lines that are set like headings."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.document import BlockKind
from ingest.loaders.pdf_lines import HYPHEN, Line
from ingest.loaders.pdf_words import Words, plain
from ingest.loaders.plain import headline
from retrieval.text import clean

_BULLET = re.compile(r"(?:[-–—*•▪◦●■‣·]|\(?\d{1,2}[.)]|\([a-z]{1,3}\)|[a-z]\))\s")
_FIGURE = re.compile(r"[($€£¥+-]*\d[\d.,]*\d%?\)?%?$|[($€£¥+-]*\d[)%]{0,2}$|[—–-]$|N/A$|n/a$")
_NUMBER = re.compile(r"(\d{1,2})\s(?=[^\W\d_])")
_SIGN = re.compile(r"[$€£¥%()]+$")
# A gap of more than this many times the usual distance of lines parts paragraphs.
_GAP = 1.3
# Lines whose heights differ by less than this part of their size are on one row.
_ROW = 0.35
# A heading's font is this much larger than the text's, or it is bold.
_LARGER = 1.15
_TABLE_GAP = 5
_HEADING_CHARS, _HEADING_LINES = 120, 2


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading. One with a lower `rank` has those with a higher one below it."""

    name: str
    rank: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A block of a page, and the heading that it seems to be, if any."""

    kind: BlockKind
    text: str
    heading: Heading | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    """How the text of a page is usually set."""

    size: float
    pitch: float  # from line to line
    left: float
    right: float
    bold: bool


def page_units(lines: Sequence[Line], words: Words) -> Iterator[Unit]:
    """The page's blocks in order."""
    if not lines:
        return
    rows = list(_rows(lines))
    page = _usual(rows)
    kinds = [_kind(row) for row in rows]
    _number_items(rows, kinds)
    _fill_tables(rows, kinds, page)
    run: list[Line] = []
    for number, row in enumerate(rows):
        if run and _begins(run[-1], row, kinds[number - 1], kinds[number], page):
            yield _unit(run, kinds[number - len(run)], page, words)
            run = []
        run.append(row)
    yield _unit(run, kinds[len(rows) - len(run)], page, words)


def _number_items(rows: Sequence[Line], kinds: list[BlockKind]) -> None:
    """Makes lines that begin with a number and no dot items of a list, where the next number follows or the one before
    came, at the same distance from the edge."""
    numbered = [
        (i, int(match.group(1)), rows[i].left)
        for i, kind in enumerate(kinds)
        if kind == "paragraph" and (match := _NUMBER.match(rows[i].text))
    ]
    for (i, first, left), (j, second, same_left) in pairwise(numbered):
        if second == first + 1 and abs(left - same_left) < 1:
            kinds[i] = kinds[j] = "list"


def _fill_tables(rows: Sequence[Line], kinds: list[BlockKind], page: _Page) -> None:
    """Makes a few short lines between the rows of a table part of it: cells of two lines, and subheadings."""
    last: int | None = None
    for number, kind in enumerate(kinds):
        if kind != "table":
            continue
        if last is not None and 1 < number - last <= _TABLE_GAP:
            between = range(last + 1, number)
            narrow = all(rows[i].right - rows[i].left < 0.6 * (page.right - page.left) for i in between)
            near = all(
                abs(rows[i].bottom - rows[i + 1].bottom) < 2.2 * page.pitch for i in range(last, number)
            )
            if (
                narrow
                and near
                and all(rows[i].text[-1] not in ".;:" and kinds[i] == "paragraph" for i in between)
            ):
                kinds[last + 1 : number] = ["table"] * len(between)
        last = number


def _rows(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines, with pieces that stand side by side joined: the cells of a row."""
    row = lines[0]
    for line in lines[1:]:
        beside = abs(line.bottom - row.bottom) < _ROW * max(line.size, 1) and line.left >= row.right - 1
        if beside and not row.text.endswith(HYPHEN):
            mark = " | " if line.left - row.right > row.size else " "
            row = Line(
                row.text + mark + line.text,
                row.left,
                line.right,
                row.bottom,
                row.size,
                row.bold and line.bold,
            )
        else:
            yield row
            row = line
    yield row


def _usual(rows: Sequence[Line]) -> _Page:
    sizes: Counter[float] = Counter()
    bold = 0
    for row in rows:
        sizes[row.size] += len(row.text)
        bold += len(row.text) * row.bold
    size = sizes.most_common(1)[0][0]
    steps = [a.bottom - b.bottom for a, b in pairwise(rows)]
    near = [step for step in steps if 0.5 * size < step < 2.0 * size]
    pitch = min(median(near), 1.6 * size) if near else 1.2 * size
    # Where every line is followed by a gap (a page of headings and single lines), the smallest step is the pitch.
    return _Page(
        size, pitch, min(r.left for r in rows), max(r.right for r in rows), bold > 0.5 * sizes.total()
    )


def _kind(row: Line) -> BlockKind:
    if _BULLET.match(row.text):
        return "list"
    cells = row.text.split(" | ")
    tokens = row.text.replace(" | ", " ").split()
    figures = [_FIGURE.match(token) is not None for token in tokens]
    trailing = 0
    for token, figure in zip(reversed(tokens), reversed(figures), strict=True):
        if not figure and not _SIGN.match(token):
            break
        trailing += figure
    if trailing >= 2 or len(cells) >= 3 or (len(cells) == 2 and len(row.text) < 80):
        return "table"
    return "table" if sum(figures) >= 2 and sum(figures) >= 0.4 * len(tokens) else "paragraph"


def _begins(above: Line, row: Line, kind_above: BlockKind, kind: BlockKind, page: _Page) -> bool:
    """Whether `row` begins a block, given the line above it."""
    step = above.bottom - row.bottom
    if kind == "list":
        return True
    if kind_above == "table" or kind == "table":
        # Rows may be set apart by more than lines are.
        return kind_above != kind or not -page.size < step < 2.5 * page.pitch
    if abs(above.size - row.size) > 0.12 * max(above.size, row.size) or (
        above.bold != row.bold and _short(above, page)
    ):
        return True
    if step < -page.size:  # the next column, in which a sentence may go on
        return not (row.text[:1].islower() and above.text[-1] not in ".!?:")
    if step > _GAP * page.pitch or above.text.endswith(HYPHEN):
        return not above.text.endswith(HYPHEN)
    indented = row.left - above.left > 0.8 * page.size and kind_above != "list" and row.text[:1].isupper()
    ended = above.text[-1] in ".!?:" and _short(above, page)
    return indented or ended


def _short(row: Line, page: _Page) -> bool:
    return row.right - page.left < 0.75 * (page.right - page.left)


def _unit(run: Sequence[Line], kind: BlockKind, page: _Page, words: Words) -> Unit:
    text = (
        "\n".join(plain(row.text) for row in run)
        if kind == "table"
        else words.joined([row.text for row in run])
    )
    text = clean(text).strip()
    return Unit(kind, text, _heading(run, kind, text, page))


def _heading(run: Sequence[Line], kind: BlockKind, text: str, page: _Page) -> Heading | None:
    numbered = kind == "list" and re.match(r"\d{1,2}[.)]?\s", text) is not None
    if len(run) > _HEADING_LINES or len(text) > _HEADING_CHARS or (kind != "paragraph" and not numbered):
        return None
    if len(re.findall(r"[^\W\d_]", text)) < 3 or text[-1] in ".,;":
        return None
    size = max(row.size for row in run)
    bold = all(row.bold for row in run) and not page.bold
    if size < _LARGER * page.size and not bold:
        return None
    # Larger type ranks first, then bold type of the text's own size.
    return Heading(headline(text), -round(size) if size >= _LARGER * page.size else -1.0)
