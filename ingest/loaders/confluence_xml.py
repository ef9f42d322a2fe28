"""Confluence's exports of a space as XML (entities.xml, and the attachments beside it). The file is read twice, as a
stream: once for what pages are called and where they stand, once for their contents, so that memory holds one of these
at a time."""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from ingest.document import Block, Document, PartFailure
from ingest.loaders import understood
from ingest.loaders.dates import day
from ingest.loaders.html import html_to_text
from ingest.loaders.plain import MAX_TEXT_BYTES, headline
from retrieval.errors import LoadError
from retrieval.text import one_line
from retrieval.types import DocumentInfo

_PAGES = ("Page", "BlogPost", "Comment")
_KINDS = (*_PAGES, "Attachment", "BodyContent", "Space", "ConfluenceUserImpl")
# What an object stands below: a page below a page, a comment below what it is about.
_ABOVE = ("parent", "containerContent", "owner")
# A page that is its own ancestor, or nested more deeply than people do.
_MAX_ABOVE = 8
# What an object of the export may hold; all of it is in memory at once.
_MAX_ELEMENTS = 100_000
# In a page's own markup code and labels of links stand in CDATA, whose end the export writes apart.
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]\s?>", re.DOTALL)
_CODE = re.compile(r"(</?)ac:plain-text-body\b")
# A link that has no words of its own shows the title of the page that it leads to.
_BARE_LINK = re.compile(r"<ri:page\b[^>]*?ri:content-title=\"([^\"]*)\"[^>]*?/>\s*(?=</ac:link>)")
# Settings of macros, what they are for, and pictures.
_SILENT = re.compile(r"<ac:(parameter|image|placeholder)\b(?:[^>]*/>|.*?</ac:\1>)", re.DOTALL)

_Open = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class _Page:
    title: str
    parent: str | None
    space: str | None
    author: str | None
    date: str | None


def load(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """The current pages, posts and comments of an export on disk. Their documents' parts are their places in it."""
    yield from _export(lambda: path.open("rb"), doc)


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The same for an export in an archive."""
    yield from _export(partial(BytesIO, data), doc)


def _export(opened: _Open, doc: str) -> Iterator[Document | PartFailure]:
    pages: dict[str, _Page] = {}
    names: dict[str, str] = {}  # of spaces and users, by their ids
    attachments = 0
    with opened() as file, understood():
        for element in _objects(file):
            kind, identifier = element.get("class"), _value(element, "id")
            if kind == "Attachment":
                attachments += _is_current(element)
            elif kind in _PAGES and _is_current(element):
                pages[identifier] = _page(element)
            elif kind in ("Space", "ConfluenceUserImpl"):
                names[identifier] = headline(_value(element, "property[@name='name']"))
    if not pages:
        raise LoadError("the export holds no page")
    if attachments:
        yield PartFailure(
            "attachments", f"{attachments} are not read from an XML export: export the space as HTML too"
        )
    seen: set[str] = set()
    with opened() as file, understood():
        for element in _objects(file):
            page = (
                _value(element, "property[@name='content']/id")
                if element.get("class") == "BodyContent"
                else ""
            )
            if page not in pages:
                continue
            above = _above(page, pages, names)
            part = one_line("/".join((*above, pages[page].title)))[-300:]
            while part in seen:
                part += "#"
            seen.add(part)
            try:
                with understood():
                    yield _document(
                        _value(element, "property[@name='body']"), pages[page], above, names, part, doc
                    )
            except LoadError as error:
                yield PartFailure(part, str(error))


def _objects(file: BinaryIO) -> Iterator[Any]:
    """The objects of the kinds that are read, each dropped when the next one comes."""
    elements = 0
    root = None
    for event, element in etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=True
    ):
        if root is None:
            root = element
        if event == "start":
            elements += 1
            if elements > _MAX_ELEMENTS:
                raise LoadError(
                    "an object of the export has too many parts: it is damaged, or made to fill the memory"
                )
        elif element.getparent() is root:
            elements = 0
            if element.get("class") in _KINDS:
                yield element
            root.remove(element)


def _value(element: Any, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _is_current(page: Any) -> bool:
    """Whether it is the page as it is, not an earlier version, a draft or in the bin."""
    status = _value(page, "property[@name='contentStatus']")
    return status in ("", "current") and page.find("property[@name='originalVersion']/id") is None


def _page(element: Any) -> _Page:
    people = (_value(element, f"property[@name='{name}']/id") for name in ("lastModifier", "creator"))
    dates = (
        _value(element, f"property[@name='{name}']")[:10] for name in ("lastModificationDate", "creationDate")
    )
    above = (_value(element, f"property[@name='{name}']/id") for name in _ABOVE)
    untitled = "Comment" if element.get("class") == "Comment" else "(no title)"
    return _Page(
        headline(_value(element, "property[@name='title']")) or untitled,
        next(filter(None, above), None),
        _value(element, "property[@name='space']/id") or None,
        next(filter(None, people), None),
        next(filter(None, map(day, dates)), None),
    )


def _above(identifier: str, pages: dict[str, _Page], names: dict[str, str]) -> tuple[str, ...]:
    """The titles above a page, the space's first."""
    titles: list[str] = []
    page = pages[identifier]
    space = names.get(page.space or "", "")
    while page.parent in pages and len(titles) < _MAX_ABOVE:
        page = pages[page.parent or ""]
        titles.insert(0, page.title)
        space = space or names.get(page.space or "", "")
    return (space, *titles) if space else tuple(titles)


def _document(
    source: str, page: _Page, above: tuple[str, ...], names: dict[str, str], part: str, doc: str
) -> Document:
    if len(source) > MAX_TEXT_BYTES:
        raise LoadError(f"the page is larger than {MAX_TEXT_BYTES >> 20} MB")
    body, inner = html_to_text(_as_html(source))
    at = len(page.title) + 2
    blocks = (
        Block(0, len(page.title), "heading", (page.title,)),
        *(replace(b, start=b.start + at, end=b.end + at, heading=(page.title, *b.heading)) for b in inner),
    )
    info = DocumentInfo(
        doc, part, "wiki", page.title, author=names.get(page.author or "") or None, date=page.date
    )
    text = f"{page.title}\n\n{body}" if inner else page.title
    return Document(info, text, tuple(replace(b, heading=(*above, *b.heading)) for b in blocks))


def _as_html(source: str) -> str:
    """A page in Confluence's own markup (https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html)
    as HTML."""
    shown = _BARE_LINK.sub(r"\1", _SILENT.sub(" ", source))
    return _CODE.sub(r"\1pre", _CDATA.sub(lambda found: html.escape(found[1], quote=False), shown))
