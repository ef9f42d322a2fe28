"""OpenDocument texts, sheets and slides (https://docs.oasis-open.org/office/OpenDocument/v1.3/). Of a text the
headings, paragraphs, lists and tables, then notes and comments under a heading of their own; headers and footers repeat
and are left out. Sheets are tables of values, as in other workbooks; slides have their notes with them."""

from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from typing import Any
from zipfile import ZipFile

from defusedxml import ElementTree

from ingest.document import Document
from ingest.loaders.dates import day
from ingest.loaders.layout import Piece, laid_out, table
from ingest.loaders.plain import EmptyFile, headline, title_from_name
from ingest.loaders.zipped import check_zip
from retrieval.errors import LoadError
from retrieval.types import DocumentInfo

_OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _OFFICE = f"{_OASIS}text:1.0}}", f"{_OASIS}table:1.0}}", f"{_OASIS}office:1.0}}"
_DRAW, _SHOW = f"{_OASIS}drawing:1.0}}", f"{_OASIS}presentation:1.0}}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_HEADING, _PARAGRAPH, _LIST = f"{_TEXT}h", f"{_TEXT}p", f"{_TEXT}list"
_ITEMS = (f"{_TEXT}list-item", f"{_TEXT}list-header")
_GRID, _ROW = f"{_TABLE}table", f"{_TABLE}table-row"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_NOTES = (f"{_TEXT}note", f"{_OFFICE}annotation")
_BREAKS = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n", f"{_TEXT}s": " ", _PARAGRAPH: "\n"}
# Notes are gathered, deletions are kept in tracked changes, and a table of contents repeats the headings.
_LEFT_OUT = (
    *_NOTES,
    f"{_TEXT}tracked-changes",
    f"{_TEXT}table-of-content",
    f"{_TEXT}note-citation",
    f"{_DC}date",
)


_PAGE, _FRAME = f"{_DRAW}page", f"{_DRAW}frame"
# As in other workbooks: a few bytes may say that a cell stands a million times.
_MAX_COLUMNS, _MAX_CELLS = 16_384, 16 * 2**20


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """An OpenDocument file as one document. Raises LoadError when it cannot be unpacked safely, is protected by a
    password, or has no text."""
    names = check_zip(data)
    with ZipFile(BytesIO(data)) as archive:
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise LoadError("it is protected by a password: save it without one")
        if "content.xml" not in names:
            raise LoadError("it is damaged or no OpenDocument file: it has no contents")
        content = ElementTree.fromstring(archive.read("content.xml"))
        meta = ElementTree.fromstring(archive.read("meta.xml")) if "meta.xml" in names else None
    for kind, pieces in (("text", _pieces), ("spreadsheet", _sheets), ("presentation", _slides)):
        if (body := content.find(f"{_OFFICE}body/{_OFFICE}{kind}")) is not None:
            text, blocks = laid_out(pieces(body))
            break
    else:
        raise LoadError("it is no OpenDocument text, sheet or presentation")
    if not text or all(block.kind == "heading" for block in blocks):
        raise EmptyFile("there is no text in it")
    title, author, date = ("" if meta is None else _first(meta, tag) for tag in ("title", "creator", "date"))
    info = DocumentInfo(
        doc, "", "text", title or title_from_name(name), author=author or None, date=day(date)
    )
    yield Document(info, text, blocks)


def _first(meta: Any, tag: str) -> str:
    found = meta.find(f".//{_DC}{tag}")
    return "" if found is None else headline(found.text or "")


def _pieces(body: Any) -> Iterator[Piece]:
    waiting = [body]
    while waiting:
        element = waiting.pop()
        if element.tag in _LEFT_OUT:
            continue
        if element.tag == _HEADING:
            level = element.get(f"{_TEXT}outline-level", "1")
            yield Piece("heading", _text(element), int(level) if level.isdecimal() else 1)
        elif element.tag == _PARAGRAPH:
            yield Piece("paragraph", _text(element))
        elif element.tag == _LIST:
            for item in (part for part in element.iter() if part.tag in _ITEMS):
                own = "\n".join(_text(part).strip() for part in item if part.tag != _LIST)
                yield Piece("list", f"- {own}" if own.strip() else "")
        elif element.tag == _GRID:
            yield table([_text(cell) for cell in row if cell.tag in _CELLS] for row in element.iter(_ROW))
        else:
            waiting.extend(reversed(element))
    notes = [_text(note).strip() for kind in _NOTES for note in body.iter(kind)]
    if any(notes):
        yield Piece("heading", "Notes")
        yield from (Piece("paragraph", note) for note in notes)


def _slides(body: Any) -> Iterator[Piece]:
    """Each slide under its title, or its number where it has none, with its notes."""
    for number, slide in enumerate(body.iterfind(_PAGE), start=1):
        title = next((f for f in slide.iterfind(_FRAME) if f.get(f"{_SHOW}class") == "title"), None)
        heading = "" if title is None else _text(title).strip()
        parts = [part for part in slide if part is not title]
        pieces = [piece for part in parts for piece in _pieces(part) if piece.text.strip()]
        if heading or pieces:
            yield Piece("heading", heading or f"Slide {number}")
        yield from pieces


def _sheets(body: Any) -> Iterator[Piece]:
    """Each sheet under its name. Blank rows part its tables."""
    room = _MAX_CELLS
    for sheet in body.iterfind(_GRID):
        yield Piece("heading", sheet.get(f"{_TABLE}name", ""))
        rows: list[list[str]] = []
        for row in sheet.iter(_ROW):
            cells = _values(row)
            # An empty row that is repeated parts tables like one that is not.
            for _ in range(_times(row, "rows") if cells else 1):
                room -= len(cells) + 1
                if room < 0:
                    raise LoadError("its values are spread over too many rows and columns: split it")
                rows.append(cells)
        for filled, group in groupby(rows, key=bool):
            if filled:
                yield table(group)


def _values(row: Any) -> list[str]:
    """The values of a row up to the last that there is."""
    cells: list[str] = []
    for cell in (part for part in row if part.tag in _CELLS):
        times = min(_times(cell, "columns"), max(_MAX_COLUMNS - len(cells), 0))
        cells += [_value(cell)] * times
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _times(element: Any, what: str) -> int:
    """How often a row or a cell stands there."""
    value = element.get(f"{_TABLE}number-{what}-repeated", "1")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 8 else 1


def _value(cell: Any) -> str:
    """A cell's value in one form for all countries: dates as ISO, numbers with a point, 15 digits."""
    kind = cell.get(f"{_OFFICE}value-type", "")
    if kind == "date":
        return str(cell.get(f"{_OFFICE}date-value", "")).removesuffix("T00:00:00").replace("T", " ")
    if kind == "boolean":
        return str(cell.get(f"{_OFFICE}boolean-value", "")).upper()
    try:
        number = float(cell.get(f"{_OFFICE}value", ""))
    except ValueError:
        return _text(cell).strip()
    return f"{number * 100:.15g}%" if kind == "percentage" else f"{number:.15g}"


def _text(root: Any) -> str:
    """What stands in an element, its notes left out."""
    parts: list[str] = []
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        if node is root or node.tag not in _LEFT_OUT:
            parts += (_BREAKS.get(node.tag, "") if node is not root else "", node.text or "")
            for child in reversed(node):
                waiting += (child.tail or "", child)
    return "".join(parts)
