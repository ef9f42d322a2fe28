"""OpenDocument texts (.odt, https://docs.oasis-open.org/office/OpenDocument/v1.3/): headings, paragraphs, lists and
tables, then notes and comments under a heading of their own. Headers and footers repeat and are left out."""

from collections.abc import Iterator
from io import BytesIO
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


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """An OpenDocument text as one document. Raises LoadError when it cannot be unpacked safely, is protected by a
    password, or has no text."""
    names = check_zip(data)
    with ZipFile(BytesIO(data)) as archive:
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise LoadError("it is protected by a password: save it without one")
        if "content.xml" not in names:
            raise LoadError("it is damaged or no OpenDocument text: it has no contents")
        body = ElementTree.fromstring(archive.read("content.xml")).find(f"{_OFFICE}body/{_OFFICE}text")
        meta = ElementTree.fromstring(archive.read("meta.xml")) if "meta.xml" in names else None
    if body is None:
        raise LoadError("it is no OpenDocument text")
    text, blocks = laid_out(_pieces(body))
    if not text:
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
