"""HTML: the main content of a page as readable text."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from ingest.document import Block, Document
from ingest.loaders import confluence
from ingest.loaders.dates import day, last_day_in
from ingest.loaders.html_text import Writer, is_noise, write
from ingest.loaders.html_tree import flat_text, parsed, parsed_markup
from ingest.loaders.plain import MAX_TEXT_BYTES, EmptyFile, headline, title_from_name
from retrieval.errors import LoadError
from retrieval.types import DocumentInfo

# Where pages keep what they are about, best first. <main> says so itself; the others must hold a good part of the
# page's text, for an <article> may also be a teaser.
_MAIN = (".//main", ".//*[@role='main']")
_PROBABLY_MAIN = (
    ".//article", ".//*[@id='mw-content-text']", ".//*[@id='main-content']", ".//*[@id='content']",
    ".//*[contains(concat(' ', @class, ' '), ' wiki-content ')]",
)  # fmt: skip
_MAIN_SHARE = 0.4
_DATES = (
    "article:modified_time", "last-modified", "dcterms.modified", "datemodified", "og:updated_time", "date",
    "dcterms.date", "article:published_time", "datepublished",
)  # fmt: skip
# Where wikis and generators of documentation (MediaWiki, Sphinx, MkDocs) write when a page was last changed.
_CHANGED = (
    ".//*[contains(@class, 'git-revision-date')]", ".//*[@id='footer-info-lastmod']", ".//*[@class='lastupdated']",
    ".//*[@role='contentinfo'][contains(., 'ast updated on')]",
)  # fmt: skip
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator")


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """An HTML file as one document: headings, paragraphs, lists, tables (a row a line, cells between bars)."""
    if len(data) > MAX_TEXT_BYTES:
        raise LoadError(
            f"the page has {len(data) >> 20} MB; at most {MAX_TEXT_BYTES >> 20} MB are read: split it"
        )
    tree = parsed(data)
    if tree is None:
        raise EmptyFile("the page has no text")
    page = confluence.page_of(tree)
    if page is not None:
        yield _confluence(tree, page, doc)
        return
    text, blocks = _content(_main(tree))
    if not blocks:
        raise EmptyFile("the page has no text")
    meta = _meta(tree)
    title = meta.get("og:title") or headline(flat_text(tree.find(".//title")))
    first = next((b.heading[-1] for b in blocks if b.kind == "heading"), "")
    if not title or (first and first in title):  # "Heading - Name of the site"
        title = first
    stamps = [meta.get(key) for key in _DATES] + [
        t.get("datetime") for t in tree.iterfind(".//time[@datetime]")
    ]
    changed = (flat_text(element) for path in _CHANGED for element in tree.xpath(path))
    authors = [meta.get(key, "") for key in _AUTHORS] + [flat_text(tree.find(".//*[@rel='author']"))]
    info = DocumentInfo(
        doc, "", "wiki", title or title_from_name(name),
        author=next((headline(a) for a in authors if a and "://" not in a), None),
        date=next(filter(None, chain(map(day, stamps), map(last_day_in, changed))), None),
    )  # fmt: skip
    yield Document(info, text, tuple(blocks))


def _confluence(tree: Any, page: confluence.Page, doc: str) -> Document:
    """A page of a Confluence export. One without text still has its title."""
    text, blocks = _content(confluence.without_frame(tree, page))
    info = DocumentInfo(doc, "", "wiki", page.title, author=page.author, date=page.date)
    return Document(info, text, tuple(replace(b, heading=(*page.above, *b.heading)) for b in blocks))


def html_to_text(markup: str, *, mail: bool = False) -> tuple[str, list[Block]]:
    """The readable text of a page with its blocks. Of mail all is taken, and quoted parts begin with ">"."""
    tree = parsed_markup(markup)
    return ("", []) if tree is None else _content(_body(tree) if mail else _main(tree), mail=mail)


def _content(root: Any, *, mail: bool = False) -> tuple[str, list[Block]]:
    writer = Writer(mail)
    for strict in (True, False):  # a page all of whose content is in a "sidebar" has none elsewhere
        write(root, writer, strict=strict and not mail)
        if writer.blocks:
            break
    return writer.text, writer.blocks


def _body(tree: Any) -> Any:
    found = tree.find(".//body")
    return tree if found is None else found


def _main(tree: Any) -> Any:
    body = _body(tree)
    for path in _MAIN:
        for found in tree.iterfind(path):
            if not is_noise(found, strict=False) and _length(found):
                return found
    whole = _length(body)
    for path in _PROBABLY_MAIN:
        candidates = tree.xpath(path)
        if len(candidates) == 1 and _length(candidates[0]) > _MAIN_SHARE * whole:
            return candidates[0]
    return body


def _length(element: Any) -> int:
    """Characters of text, code and styles aside."""
    return sum(
        len((node.text or "").strip() if node.tag not in ("script", "style") else "")
        + len((node.tail or "").strip())
        for node in element.iter()
    )


def _meta(tree: Any) -> dict[str, str]:
    """The page's <meta> entries by their name, in lower case; of several of one name the first."""
    entries: dict[str, str] = {}
    for element in tree.iterfind(".//meta[@content]"):
        for key in ("name", "property", "itemprop", "http-equiv"):
            if element.get(key):
                entries.setdefault(element.get(key).strip().lower(), headline(element.get("content")))
    return entries
