"""Word documents (.docx): headings, lists and tables of the body; headers and footers repeat and are left out."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn

from ingest.document import Block, BlockKind, Document
from ingest.loaders.plain import EmptyFile, headline, title_from_name
from ingest.loaders.zipped import check_zip
from retrieval.text import clean, one_line
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
    text, blocks = _layout(_pieces(word))
    if not text:
        raise EmptyFile("there is no text in it")
    title, author, date = _properties(word)
    info = DocumentInfo(doc, "", "text", title or title_from_name(name), author=author, date=date)
    yield Document(info, text, blocks)


def _properties(word: Any) -> tuple[str, str | None, str | None]:
    # Without this part python-docx makes one up, changed today.
    if not any(rel.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for rel in word.part.package.rels.values()):
        return "", None, None
    core = word.core_properties
    changed = core.modified or core.created
    return (
        headline(clean(core.title)),
        one_line(clean(core.author)) or None,
        changed and changed.date().isoformat(),
    )


def _layout(pieces: Iterator[tuple[BlockKind, int, str]]) -> tuple[str, tuple[Block, ...]]:
    texts: list[str] = []
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    at = 0
    before = ""
    for kind, level, raw in pieces:
        text = clean(raw).strip()
        if not text:
            continue
        if kind == "heading":
            path = [*(above for above in path if above[0] < level), (level, headline(text))]
        if kind == before == "list":
            start = blocks.pop().start
            at -= 1  # items of a list are on lines of their own, without a blank one between
            texts[-1] = texts[-1][:-1]
        else:
            start = at
        blocks.append(Block(start, at + len(text), kind, tuple(heading for _, heading in path)))
        texts.append(text + "\n\n")
        at += len(text) + 2
        before = kind
    return "".join(texts).rstrip("\n"), tuple(blocks)


def _pieces(word: Any) -> Iterator[tuple[BlockKind, int, str]]:
    names = {style.style_id: style.name or "" for style in word.styles}
    waiting = list(reversed(word.element.body))
    while waiting:
        element = waiting.pop()
        if element.tag in _WRAPPERS:
            waiting.extend(reversed(element))
        elif element.tag == qn("w:tbl"):
            yield "table", 0, "\n".join(_rows(element))
        elif element.tag == qn("w:p"):
            style = names.get(element.style or "", "")
            text = _text(element)
            if heading := _HEADING.match(style):
                yield "heading", int(heading[1]), one_line(text)
            elif style == "Title":
                yield "heading", 0, one_line(text)
            elif style.startswith("List") or element.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None:
                yield "list", 0, f"- {text.strip()}" if text.strip() else ""
            else:
                yield "paragraph", 0, text


def _rows(table: Any) -> Iterator[str]:
    for row in table.iterchildren(qn("w:tr")):
        if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is None:
            cells = [
                one_line(_text(cell)) for cell in row.iter(qn("w:tc")) if cell.getparent().tag != qn("w:tc")
            ]
            if any(cells):
                yield " | ".join(cells)


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
