"""MediaWiki's XML dumps, packed or not, read page by page, so that memory holds one at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from ingest.document import Document, PartFailure
from ingest.loaders import understood
from ingest.loaders.packed import Unpacked, unpacked, unpacked_data
from ingest.loaders.plain import headline
from ingest.loaders.wikitext import wikitext_blocks
from retrieval.errors import LoadError
from retrieval.text import one_line
from retrieval.types import DocumentInfo

# Articles and pages about the project; talk, files, templates and users' pages are left out.
_NAMESPACES = ("0", "4")
# MediaWiki's own limit ($wgMaxArticleSize) is 2 MiB.
_MAX_PAGE = 2 * 2**20
# A revision has some 15 elements; all of a page are in memory until its next revision.
_MAX_ELEMENTS = 1000


class _Stream:
    """An unpacked file as lxml wants it."""

    def __init__(self, file: Unpacked) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return self._file.readline(size)


def load(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """The pages of a dump as they are in their last revisions. Their documents' parts are the titles. Raises LoadError
    when the file is no such dump, or damaged; what came before is read."""
    with unpacked(path) as file:
        yield from _dump(file, doc)


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The same for a dump in an archive, or attached to a message."""
    with unpacked_data(data, name) as file:
        yield from _dump(file, doc)


def _dump(file: Unpacked, doc: str) -> Iterator[Document | PartFailure]:
    seen: set[str] = set()
    with understood():
        for page in _pages(_Stream(file)):
            title = part = one_line(_of(page, "title"))
            if _of(page, "ns") not in _NAMESPACES or page.find("{*}redirect") is not None:
                continue
            number = 1
            while part in seen:
                number += 1
                part = f"{title}#{number}"
            seen.add(part)
            try:
                with understood():
                    yield from _documents(page, title, doc, part)
            except LoadError as error:
                yield PartFailure(part, str(error))


def _pages(stream: _Stream) -> Iterator[Any]:
    elements = 0
    root = None
    for event, element in etree.iterparse(
        stream, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=False
    ):
        if root is None:
            root = element
            if etree.QName(element).localname != "mediawiki":
                raise LoadError("it is XML, but no MediaWiki dump: of XML files only those are read")
        if event == "start":
            elements += 1
            if elements > _MAX_ELEMENTS:
                raise LoadError(
                    "a page of the dump has too many elements: it is damaged, or made to fill the memory"
                )
            continue
        if etree.QName(element).localname == "revision":
            elements = 0
            while (older := element.getprevious()) is not None and older.tag == element.tag:
                element.getparent().remove(older)
        if element.getparent() is root:
            elements = 0
            if etree.QName(element).localname == "page":
                yield element
            root.remove(element)


def _documents(page: Any, title: str, doc: str, part: str) -> Iterator[Document]:
    source = _of(page, "revision/{*}text")
    if len(source) > _MAX_PAGE:
        raise LoadError(f"the page is larger than {_MAX_PAGE >> 20} MB")
    text, blocks = wikitext_blocks(source)
    if text:
        author = one_line(_of(page, "revision/{*}contributor/{*}username")) or None
        date = _of(page, "revision/{*}timestamp")[:10] or None
        yield Document(
            DocumentInfo(doc, part, "wiki", headline(title), author=author, date=date), text, blocks
        )


def _of(element: Any, path: str) -> str:
    return (element.findtext("{*}" + path) or "").strip()
