"""MediaWiki's markup made into readable text with blocks."""

import re
from collections.abc import Iterator
from typing import Any

import mwparserfromhell
from mwparserfromhell import nodes

from ingest.document import Block, BlockKind
from ingest.loaders.plain import headline
from ingest.loaders.spans import Cell, Hanging, row_of, span
from retrieval.text import clean, one_line

_DROPPED = frozenset(("ref", "references", "gallery", "style", "script", "templatestyles"))
# Templates that are part of a sentence: which of their parameters are what is read.
_INLINE = {
    "lang": slice(1, 2), "transl": slice(1, 2), "nowrap": slice(0, 1), "small": slice(0, 1), "nobold": slice(0, 1),
    "sortname": slice(0, 2), "convert": slice(0, 2), "abbr": slice(0, 1), "sort": slice(1, 2), "efn": slice(0, 0),
}  # fmt: skip
_NO_WORDS = re.compile(r"\s*(?:file|image|category)\s*:", re.IGNORECASE)
_EMPTY_LINES = re.compile(r"\n\s*\n")


def wikitext_blocks(source: str) -> tuple[str, tuple[Block, ...]]:
    """The text of a page and its blocks. Links are their labels, tables rows of `a | b`; of templates an
    infobox is kept as lines of `name: value`, and the few that are part of a sentence as its words."""
    text = ""
    blocks = []
    path: list[tuple[int, str]] = []
    for kind, level, raw in _pieces(mwparserfromhell.parse(source)):
        piece = headline(one_line(clean(raw))) if kind == "heading" else clean(raw).strip()
        if not piece:
            continue
        if kind == "heading":
            path = [*(entry for entry in path if entry[0] < level), (level, piece)]
        text += "\n\n" if text else ""
        blocks.append(Block(len(text), len(text) + len(piece), kind, tuple(name for _, name in path)))
        text += piece
    return text, tuple(blocks)


def _pieces(code: Any) -> Iterator[tuple[BlockKind, int, str]]:
    """The page's headings, with their levels, its tables, lists and paragraphs."""
    words: list[str] = []
    for node in code.nodes:
        heading, table = isinstance(node, nodes.Heading), _is_table(node)
        if not heading and not table:
            words.append(_words(node))
            continue
        yield from _paragraphs("".join(words))
        words = []
        yield ("heading", node.level, _text(node.title)) if heading else ("table", 0, _rows(node))
    yield from _paragraphs("".join(words))


def _paragraphs(text: str) -> Iterator[tuple[BlockKind, int, str]]:
    for part in _EMPTY_LINES.split(text):
        yield "list" if part.lstrip().startswith("- ") else "paragraph", 0, part


def _text(code: Any) -> str:
    return "" if code is None else "".join(_words(node) for node in code.nodes)


def _words(node: Any) -> str:
    if isinstance(node, nodes.Text):
        return str(node.value)
    if isinstance(node, nodes.Wikilink):
        if _NO_WORDS.match(str(node.title)):
            return ""
        return _text(node.text) or _text(node.title)
    if isinstance(node, nodes.ExternalLink):
        return _text(node.title) or _text(node.url)
    if isinstance(node, nodes.HTMLEntity):
        return str(node.normalize())
    if isinstance(node, nodes.Template):
        name = str(node.name).strip().lower()
        return _infobox(node) if name.startswith("infobox") else _inline(node, name)
    return _tagged(node) if isinstance(node, nodes.Tag) else ""


def _infobox(node: Any) -> str:
    pairs = ((one_line(str(p.name)), one_line(_text(p.value))) for p in node.params)
    return "\n".join(f"{name}: {value}" for name, value in pairs if value) + "\n\n"


def _inline(node: Any, name: str) -> str:
    """What is read of a template within a sentence; of others nothing."""
    plain = [one_line(_text(p.value)) for p in node.params if not p.showkey]
    return " ".join(plain[_INLINE.get(name, slice(0, 0))])


def _tagged(node: Any) -> str:
    name = str(node.tag).strip().lower()
    if name in _DROPPED:
        return ""
    if _is_table(node):
        return f"\n{_rows(node)}\n"
    if name == "li":
        return "- " + _text(node.contents).lstrip()
    return "\n" if name == "br" else _text(node.contents)


def _is_table(node: Any) -> bool:
    return isinstance(node, nodes.Tag) and str(node.tag).strip().lower() == "table"


def _rows(table: Any) -> str:
    """The rows as `a | b`."""
    rows: list[list[str]] = []
    loose: list[Any] = []
    hanging: Hanging = {}
    for node in table.contents.nodes:
        name = str(node.tag).strip().lower() if isinstance(node, nodes.Tag) else ""
        if name == "tr":
            cells = (n for n in node.contents.nodes if isinstance(n, nodes.Tag))
            rows.append(row_of((_cell(n) for n in cells if str(n.tag).strip() in ("td", "th")), hanging))
        elif name in ("td", "th"):
            loose.append(_cell(node))
        elif words := one_line(_words(node)):
            rows.append([words])
    first = [row_of(loose, {})] if loose else []
    return "\n".join(" | ".join(row) for row in first + rows if any(row))


def _cell(cell: Any) -> Cell:
    columns, rows = (
        span(str(cell.get(name).value) if cell.has(name) else "") for name in ("colspan", "rowspan")
    )
    return Cell(one_line(_text(cell.contents)), columns, rows)
