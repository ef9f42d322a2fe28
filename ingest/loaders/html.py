"""HTML: the main content as readable text. Nothing is executed and nothing fetched; lxml only parses."""

import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Comment, NavigableString, Tag

from ingest.document import Block, BlockKind, Document
from ingest.loaders.markdown import day
from ingest.loaders.plain import MAX_TEXT_BYTES, decode, title_from_name
from retrieval.errors import LoadError
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# What is no content of the page: code, navigation, forms, and what is hidden from a reader.
_NOISE = (
    "script, style, noscript, template, iframe, object, embed, svg, canvas, nav, aside, footer, form, button, "
    "select, [hidden], [aria-hidden=true], [role=navigation], [role=search], [role=banner], [role=contentinfo], "
    ".sidebar, #sidebar, .navigation, .breadcrumbs, .headerlink"
)
_MAIN = ("main", "[role=main]", "article", "#main-content", "#content", ".wiki-content", "body")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    "p", "div", "section", "article", "main", "header", "blockquote", "dl", "dt", "dd", "figure", "figcaption",
    "details", "summary", "address", "hr", "body", "html", "center", "fieldset",
}  # fmt: skip
# Deeper nesting than any page has; a parser bomb would exhaust the stack.
_MAX_DEPTH = 200


def load_html(path: Path, doc: str) -> Iterator[Document]:
    """An HTML file as one document: headings, paragraphs, lists, tables (a row a line, cells between bars)."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise LoadError(f"the page is larger than {MAX_TEXT_BYTES >> 20} MB: split it")
    markup = path.read_bytes()
    soup = _soup(decode(markup, _declared(markup)))
    title = _meta(soup, "og:title", "title") or (one_line(soup.title.get_text()) if soup.title else "")
    author = _meta(soup, "author", "article:author", "dc.creator")
    when = _meta(
        soup, "article:modified_time", "last-modified", "dcterms.modified", "date", "article:published_time"
    )
    if not when and isinstance(stamp := soup.find("time", datetime=True), Tag):
        when = str(stamp["datetime"])
    text, blocks = html_to_text(soup)
    if not blocks:
        raise LoadError("the page has no text")
    first = next((b.heading[-1] for b in blocks if b.kind == "heading"), "")
    info = DocumentInfo(
        doc, "", "wiki", title or first or title_from_name(path), author or None, date=day(when)
    )
    yield Document(info, text, tuple(blocks))


def html_to_text(markup: "str | BeautifulSoup") -> tuple[str, list[Block]]:
    """The readable text of a page (or of a mail's HTML part) with its blocks."""
    soup = markup if isinstance(markup, BeautifulSoup) else _soup(markup)
    for element in soup.select(_NOISE):
        element.decompose()
    for comment in soup.find_all(string=lambda string: isinstance(string, Comment)):
        comment.extract()
    main = next(
        (found for selector in _MAIN if (found := soup.select_one(selector)) and found.get_text(strip=True)),
        soup,
    )
    writer = _Writer()
    writer.walk(main, 0)
    writer.paragraph()
    return writer.text, writer.blocks


class _Writer:
    """Collects the text of a page block by block."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self.blocks: list[Block] = []
        self._inline = ""
        self._path: list[tuple[int, str]] = []

    def walk(self, node: Tag, depth: int) -> None:
        for child in node.children:
            if isinstance(child, NavigableString):
                self._inline += str(child)
            elif not isinstance(child, Tag):
                continue
            elif depth > _MAX_DEPTH:
                self._inline += child.get_text(" ")
            elif child.name in _HEADINGS:
                self._heading(child)
            elif child.name in ("ul", "ol"):
                self.paragraph()
                self._add("list", "\n".join(_items(child, 0)))
            elif child.name == "table" and len(child.find_all("table")) == 0:
                self.paragraph()
                self._add("table", "\n".join(_rows(child)))
            elif child.name == "pre":
                self.paragraph()
                self._add("code", clean(child.get_text()).strip("\n"))
            elif child.name == "br":
                self._inline += "\n"
            elif child.name in _BLOCKS or child.find(
                list(_BLOCKS | _HEADINGS.keys() | {"ul", "ol", "table"})
            ):
                self.paragraph()
                self.walk(child, depth + 1)
                self.paragraph()
            else:
                self._inline += child.get_text()

    def paragraph(self) -> None:
        """Ends the running paragraph. A single line break in the source is a space, a <br> is a line."""
        lines = (one_line(line) for line in self._inline.split("\n"))
        inline, self._inline = "\n".join(line for line in lines if line), ""
        self._add("paragraph", inline)

    def _heading(self, element: Tag) -> None:
        self.paragraph()
        name = one_line(element.get_text(" "))
        if name:
            level = _HEADINGS[element.name]
            self._path = [*(entry for entry in self._path if entry[0] < level), (level, name)]
            self._add("heading", name)

    def _add(self, kind: BlockKind, text: str) -> None:
        text = clean(text).strip()
        if text:
            start = self._length + 2 if self._parts else 0
            self._parts.append(text)
            self._length = start + len(text)
            self.blocks.append(Block(start, self._length, kind, tuple(name for _, name in self._path)))

    @property
    def text(self) -> str:
        """The text so far, an empty line between blocks."""
        return "\n\n".join(self._parts)


def _items(element: Tag, depth: int) -> Iterator[str]:
    for number, item in enumerate(element.find_all("li", recursive=False), start=1):
        nested = [
            inner.extract()
            for inner in item.find_all(["ul", "ol"], recursive=True)
            if inner.parent is not None
        ]
        mark = f"{number}." if element.name == "ol" else "-"
        if line := one_line(item.get_text(" ")):
            yield f"{'  ' * depth}{mark} {line}"
        for inner in nested if depth < _MAX_DEPTH else ():
            yield from _items(inner, depth + 1)


def _rows(table: Tag) -> Iterator[str]:
    for row in table.find_all("tr"):
        cells = [one_line(cell.get_text(" ")) for cell in row.find_all(["td", "th"])]
        if any(cells):
            yield " | ".join(cells)


def _soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(re.sub(r"\r\n?", "\n", markup), "lxml")


def _declared(markup: bytes) -> str | None:
    match = re.search(rb"charset=[\"']?([\w-]+)", markup[:4096])
    return match.group(1).decode() if match else None


def _meta(soup: BeautifulSoup, *names: str) -> str:
    for name in names:
        for key in ("name", "property", "http-equiv"):
            found = soup.find("meta", attrs={key: re.compile(f"^{re.escape(name)}$", re.IGNORECASE)})
            if isinstance(found, Tag) and found.get("content"):
                return one_line(str(found["content"]))
    return ""
