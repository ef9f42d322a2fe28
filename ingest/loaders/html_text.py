"""Writes the elements of a parsed page as text: what begins a block, what is a line, what is not for reading."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ingest.document import Block, BlockKind
from ingest.loaders.plain import headline
from ingest.loaders.spans import Cell, Hanging, row_of, span
from retrieval.text import clean

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    "p div section article main header blockquote dl dt dd figure figcaption details summary address hr body html "
    "center fieldset form table caption thead tbody tfoot tr td th ul ol li pre menu dir legend".split()
)
# Never for reading: code, what is played or filled in, and the parts of a page that every page has.
_NOISE_TAGS = frozenset(
    "script style noscript template iframe object embed svg math canvas nav aside footer button select input textarea "
    "head title audio video dialog option datalist".split()
)
_MAIL_KEEPS = frozenset({"nav", "aside", "footer"})  # in mail nobody uses them for what they are for
_NOISE_ROLES = frozenset({"navigation", "search", "banner", "contentinfo", "complementary", "menu"})
# Names of such parts in the markup of wikis and their exports (Confluence, MediaWiki, Sphinx, Hugo).
_NOISE_NAMES = frozenset(
    "sidebar navigation navbar nav breadcrumb breadcrumbs breadcrumb-section headerlink toc toc-macro mw-editsection "
    "navbox catlinks printfooter mw-jump-link skip-link footer site-footer site-header cookie-banner sphinxsidebar "
    "related pagination prev-next mw-navigation mw-head mw-panel sitesub linenos linenodiv viewcode-link "
    "toctree-wrapper md-content__button md-feedback md-source-file".split()
)
_HIDDEN = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$))", re.IGNORECASE
)


def is_noise(element: Any, *, strict: bool, mail: bool = False) -> bool:
    """Whether a reader would not read the element. When not `strict`, its class and id do not count."""
    tag = element.tag
    if not isinstance(tag, str) or (tag in _NOISE_TAGS and not (mail and tag in _MAIL_KEEPS)):
        return True
    attributes = element.attrib
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if "style" in attributes and _HIDDEN.search(attributes["style"]):
        return True
    if not strict:
        return False
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().split()
    return attributes.get("role", "").lower() in _NOISE_ROLES or not _NOISE_NAMES.isdisjoint(names)


class Writer:
    """Collects the text of a page block by block, an empty line between blocks."""

    def __init__(self, mail: bool) -> None:
        self.mail = mail
        self.blocks: list[Block] = []
        self.quotes = 0  # <blockquote>s we are in
        self.pre = 0
        self._parts: list[str] = []
        self._length = 0
        self._inline: list[str] = []
        self._path: list[tuple[int, str]] = []
        self._lists: list[
            int | None
        ] = []  # the lists we are in: the number of the last item, None for bullets
        self._items: list[str] = []
        self._mark = ""

    @property
    def text(self) -> str:
        """The text so far."""
        return "\n\n".join(self._parts)

    def inline(self, text: str | None) -> None:
        """Adds to the running paragraph. White space is a space, but in <pre>; a <br> is given as "\\0"."""
        if text:
            self._inline.append(text if self.pre else re.sub(r"[^\S\0\u00a0]+", " ", text))

    def end_paragraph(self) -> None:
        """Ends the running paragraph, if there is one. A <br> ends a line, two of them a paragraph."""
        if not self._inline:
            return
        inline, self._inline = "".join(self._inline), []
        if self.pre:
            self.add("paragraph" if self.mail else "code", inline.replace("\0", "\n").strip("\n"))
            return
        for paragraph in re.split(r"\0[^\S\0]*\0\s*", inline):
            lines = (" ".join(line.split()) for line in paragraph.split("\0"))
            self.add("paragraph", "\n".join(line for line in lines if line))

    def heading(self, level: int, text: str) -> None:
        name = headline(text)
        if name and not self._lists:
            self._path = [*(entry for entry in self._path if entry[0] < level), (level, name)]
        self.add("heading", name)

    def begin_list(self, start: int | None) -> None:
        self.end_paragraph()
        self._lists.append(start)

    def begin_item(self) -> None:
        self.end_paragraph()
        if self._lists:
            number = self._lists[-1]
            self._lists[-1] = None if number is None else number + 1
            self._mark = "- " if number is None else f"{number}. "

    def end_list(self) -> None:
        self.end_paragraph()
        if self._lists:
            self._lists.pop()
        if not self._lists:
            items, self._items = self._items, []
            self.add("list", "\n".join(items))

    def add(self, kind: BlockKind, text: str) -> None:
        """Adds a block; within a list, lines of it."""
        text = clean(text).strip()
        if not text:
            return
        if self._lists:
            indent = "  " * min(len(self._lists) - 1, 10)
            self._items += [
                indent + (self._mark if n == 0 else "  ") + line for n, line in enumerate(text.split("\n"))
            ]
            self._mark = "  "
            return
        if self.mail and self.quotes:
            text = "\n".join(f"> {line}" for line in text.split("\n"))
        start = self._length + 2 if self._parts else 0
        self._parts.append(text)
        self._length = start + len(text)
        self.blocks.append(Block(start, self._length, kind, tuple(name for _, name in self._path)))


def write(root: Any, writer: Writer, *, strict: bool) -> None:
    """Writes what there is to read in `root`."""
    walk = etree.iterwalk(root, events=("start", "end"))
    skipped: Any = None  # the element whose inside is left out
    for event, element in walk:
        if event == "end":
            if skipped is None:
                _leave(element, writer)
            elif skipped is element:
                skipped = None
            if element is not root:
                writer.inline(element.tail)
        elif (element is not root and is_noise(element, strict=strict, mail=writer.mail)) or _enter(
            element, writer, strict
        ):
            skipped = element
            walk.skip_subtree()
        else:
            writer.inline(element.text)
    writer.end_paragraph()
    writer.end_list()


def _enter(element: Any, writer: Writer, strict: bool) -> bool:
    """Begins an element. True when it has been written as a whole."""
    tag = element.tag
    if tag in _BLOCKS or tag in _HEADINGS:
        writer.end_paragraph()
    if tag == "br":
        writer.inline("\0")
    elif tag in _HEADINGS:
        writer.heading(_HEADINGS[tag], _flat(element, strict, writer.mail))
        return True
    elif tag in ("ul", "ol", "menu", "dir"):
        start = element.get("start", "1")
        writer.begin_list(
            (int(start) if start.isdecimal() and len(start) < 7 else 1) if tag == "ol" else None
        )
    elif tag == "li":
        writer.begin_item()
    elif tag == "blockquote":
        writer.quotes += 1
    elif tag == "pre":
        writer.pre += 1
    elif tag == "table":
        rows = _rows(element, strict, writer.mail)
        if rows:
            for caption in element.iterfind("caption"):
                writer.add("paragraph", _flat(caption, strict, writer.mail))
            writer.add("table", "\n".join(rows))
        return bool(rows)
    return False


def _leave(element: Any, writer: Writer) -> None:
    tag = element.tag
    if tag not in _BLOCKS:
        return
    writer.end_paragraph()
    if tag in ("ul", "ol", "menu", "dir"):
        writer.end_list()
    elif tag == "blockquote":
        writer.quotes -= 1
    elif tag == "pre":
        writer.pre -= 1


def _rows(table: Any, strict: bool, mail: bool) -> list[str]:
    """The rows of a table of data; none when it only places things on the page: it has tables in it, or no two rows
    with two cells."""
    if table.get("role") in ("presentation", "none") or table.find(".//table") is not None:
        return []
    rows = []
    hanging: Hanging = {}
    for row in table.iter("tr"):
        cells = (cell for cell in row if cell.tag in ("td", "th"))
        texts = row_of(
            (
                Cell(_flat(cell, strict, mail), span(cell.get("colspan")), span(cell.get("rowspan")))
                for cell in cells
            ),
            hanging,
        )
        if any(texts):
            rows.append(texts)
    if sum(len([cell for cell in cells if cell]) > 1 for cells in rows) < 2:
        return []
    return [" | ".join(cells).strip() for cells in rows]


def _flat(element: Any, strict: bool, mail: bool) -> str:
    """The text of an element on one line."""
    return " ".join("".join(_pieces(element, strict, mail)).split())


def _pieces(root: Any, strict: bool, mail: bool) -> Iterator[str]:
    walk = etree.iterwalk(root, events=("start", "end"))
    skipped: Any = None
    for event, element in walk:
        if event == "start":
            if element is not root and is_noise(element, strict=strict, mail=mail):
                skipped = element
                walk.skip_subtree()
                continue
            yield " " if element.tag in _BLOCKS or element.tag == "br" else ""
            yield element.text or ""
        else:
            if skipped is element:
                skipped = None
            elif element.tag in _BLOCKS:
                yield " "
            if element is not root:
                yield element.tail or ""
