"""Word documents (.docx): headings, lists and tables of the body, then its notes and comments under a heading of their
own. Headers and footers repeat and are left out."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from typing import Any

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from ingest.document import Document
from ingest.loaders.layout import Piece, laid_out, table
from ingest.loaders.office import described
from ingest.loaders.plain import EmptyFile
from ingest.loaders.zipped import check_zip
from retrieval.text import one_line
from retrieval.types import DocumentInfo

_HEADING = re.compile(r"Heading (\d)")
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-", qn("w:p"): "\n"}
# Tracked deletions, and the first of two renderings of a text box being enough. Tabs in w:tabs are settings.
_LEFT_OUT = {
    qn("w:del"),
    qn("w:moveFrom"),
    qn("w:pPr"),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
_NOTES = (RELATIONSHIP_TYPE.FOOTNOTES, RELATIONSHIP_TYPE.ENDNOTES, RELATIONSHIP_TYPE.COMMENTS)
_WRAPPERS = {
    qn("w:sdt"),
    qn("w:sdtContent"),
    qn("w:ins"),
    qn("w:moveTo"),
    qn("w:customXml"),
    qn("w:smartTag"),
}


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A Word document as one document, with title, author and the day of its last change from its properties.
    Raises LoadError when it cannot be unpacked safely or has no text."""
    check_zip(data)
    word = docx.Document(BytesIO(data))
    text, blocks = laid_out(chain(_pieces(word), _notes(word)))
    if not text:
        raise EmptyFile("there is no text in it")
    yield Document(_info(word, name, doc), text, blocks)


def _info(word: Any, name: str, doc: str) -> DocumentInfo:
    # Without this part python-docx makes one up, changed today.
    if not any(rel.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for rel in word.part.package.rels.values()):
        return described(name, doc)
    core = word.core_properties
    return described(name, doc, core.title, core.author, core.modified or core.created)


def _pieces(word: Any) -> Iterator[Piece]:
    names = {style.style_id: style.name or "" for style in word.styles}
    waiting = list(reversed(word.element.body))
    while waiting:
        element = waiting.pop()
        if element.tag in _WRAPPERS:
            waiting.extend(reversed(element))
        elif element.tag == qn("w:tbl"):
            yield table(_rows(element))
        elif element.tag == qn("w:p"):
            style = names.get(element.style or "", "")
            text = _text(element)
            if heading := _HEADING.match(style):
                yield Piece("heading", text, int(heading[1]))
            elif style == "Title":
                yield Piece("heading", text)
            elif style.startswith("List") or element.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None:
                yield Piece("list", f"- {text.strip()}" if text.strip() else "")
            else:
                yield Piece("paragraph", text)


def _notes(word: Any) -> Iterator[Piece]:
    """Footnotes, endnotes and comments: the page shows them away from the text too, and which word they hang on says
    less than they do."""
    notes = []
    for kind in _NOTES:
        for rel in word.part.rels.values():
            if rel.reltype == kind and not rel.is_external:
                for note in parse_xml(rel.target_part.blob):
                    text = _text(note).strip()
                    author = note.get(qn("w:author"))
                    notes.append(f"Comment by {one_line(author)}: {text}" if author and text else text)
    if any(notes):
        yield Piece("heading", "Notes")
        yield from (Piece("paragraph", note) for note in notes)


def _rows(body: Any) -> Iterator[list[str]]:
    for row in body.iterchildren(qn("w:tr")):
        if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is None:
            yield [_text(cell) for cell in row.iter(qn("w:tc")) if cell.getparent().tag != qn("w:tc")]


def _text(element: Any) -> str:
    parts: list[str] = []
    waiting = [element]
    while waiting:
        node = waiting.pop()
        if node.tag == qn("w:t"):
            parts.append(node.text or "")
        elif node.tag not in _LEFT_OUT:
            parts.append(_BREAKS.get(node.tag, ""))
            waiting.extend(reversed(node))
    return "".join(parts)
