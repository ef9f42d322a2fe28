"""Markdown: blocks by markdown-it's own lines, so that their offsets are exact; front matter as metadata."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.document import Block, BlockKind, Document
from ingest.loaders.dates import day, day_in_name
from ingest.loaders.plain import EmptyFile, headline, paragraphs, text_of, title_from_name
from retrieval.sentences import strip_span
from retrieval.text import one_line
from retrieval.types import DocumentInfo

# Hugo also has its front matter as TOML.
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
# Links within a wiki: [[page]], [[page#part|label]]; an embedded page has a "!" before it.
_WIKI_LINK = re.compile(r"!?\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]+)\]\]")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(.*?)\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_ENTRY = re.compile(r"^(\w+):[ \t]+([^\s*&!|>\[{\"'].*?)[ \t]*$", re.MULTILINE)
# Front matter larger than this is none; it bounds what a YAML parser is given.
_MAX_FRONT_MATTER = 16_384
# The first that is there wins: when a page was last changed says more than when it was made.
_DATE_KEYS = (
    "updated",
    "last_modified",
    "lastmod",
    "modified",
    "last_updated",
    "last-modified",
    "lastupdated",
    "date modified",
    "date",
    "created",
    "published",
)
_AUTHOR_KEYS = ("author", "authors", "owner", "by")
_KINDS: dict[str, BlockKind] = {
    "bullet_list_open": "list", "ordered_list_open": "list", "table_open": "table", "fence": "code",
    "code_block": "code", "heading_open": "heading",
}  # fmt: skip
# Only where blocks are is asked; what is in a line is read for headings alone.
_BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")
_MAX_HEADING = 4096
_INLINE = MarkdownIt("commonmark")


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A Markdown file as one document. Its text is the source without the front matter, so that a quote is what the
    file says."""
    meta, text, start = _front_matter(text_of(data))
    if not text.strip():
        raise EmptyFile("the file has nothing but front matter")
    blocks = (*paragraphs(text, 0, start), *markdown_blocks(text, start))
    title = headline(_first(meta, ("title",))) or _top_heading(text, blocks) or title_from_name(name)
    when = next(filter(None, (day(value) for value in _values(meta, _DATE_KEYS))), day_in_name(name))
    author = _first(meta, _AUTHOR_KEYS) or None
    yield Document(DocumentInfo(doc, "", "wiki", title, author=author, date=when), text, blocks)


def markdown_blocks(text: str, start: int = 0) -> Iterator[Block]:
    """The top-level blocks of the Markdown in `text[start:]`, with the headings above each. What is no block to
    Markdown (definitions of links) is a paragraph."""
    starts = [start]
    for line in text[start:].split("\n"):
        starts.append(min(starts[-1] + len(line) + 1, len(text)))
    path: list[tuple[int, str]] = []
    at = start
    tokens = _BLOCKS.parse(text[start:])
    for number, token in enumerate(tokens):
        if token.level != 0 or token.map is None:
            continue
        a, b = strip_span(text, max(at, starts[token.map[0]]), starts[token.map[1]])
        if a == b:
            continue
        names = tuple(name for _, name in path)
        yield from (Block(gap.start, gap.end, gap.kind, names) for gap in paragraphs(text, at, a))
        at = b
        if token.type == "heading_open" and (name := _plain(tokens[number + 1])):
            path = [*(entry for entry in path if entry[0] < int(token.tag[1])), (int(token.tag[1]), name)]
        kind = _KINDS.get(token.type, "paragraph")
        yield Block(a, b, kind, tuple(name for _, name in path))
    names = tuple(name for _, name in path)
    yield from (Block(gap.start, gap.end, gap.kind, names) for gap in paragraphs(text, at))


def _plain(heading: Token) -> str:
    """A heading's words, without the marks for emphasis, code and links."""
    source = _WIKI_LINK.sub(r"\1", heading.content[:_MAX_HEADING])
    inline = _INLINE.parseInline(source)[0].children or []
    return headline("".join(" " if t.type.endswith("break") else t.content for t in inline))


def _top_heading(text: str, blocks: tuple[Block, ...]) -> str:
    """The first heading of the first level, else the one that the page begins with, if any."""
    headings = [b for b in blocks if b.kind == "heading" and b.heading]
    first = next((b for b in headings if len(b.heading) == 1 and _is_top(text[b.start : b.end])), None)
    if first is None and headings and headings[0] == blocks[0]:
        first = headings[0]
    return first.heading[-1] if first else ""


def _is_top(source: str) -> bool:
    return re.match(r"#(?!#)", source) is not None or source.endswith("=")


class _FrontMatterLoader(yaml.BaseLoader):
    """Reads YAML as strings, lists and mappings, nothing else. Without aliases: a few lines of them can stand for
    more data than fits into memory."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def _front_matter(text: str) -> tuple[dict[str, Any], str, int]:
    """The metadata at the head of a page, its text without them, and where in that the Markdown begins. What is no YAML
    mapping stays in the text, and is looked through for lines like "title: Plan B: the details", which YAML forbids."""
    if (toml := _TOML.match(text[:_MAX_FRONT_MATTER])) is not None:
        try:
            found = tomllib.loads(toml.group(1) or "")
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}, text, 0
        return _lowered(found), text[toml.end() :].lstrip("\n"), 0
    match = _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER])
    if match is None:
        return {}, text, 0
    source = match.group(1) or ""
    try:
        meta = yaml.load(source, _FrontMatterLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {key.lower(): value for key, value in _ENTRY.findall(source)}, text, match.end()
    if not isinstance(meta, dict):
        return {}, text, 0
    return _lowered(meta), text[match.end() :].lstrip("\n"), 0


def _lowered(meta: dict[Any, Any]) -> dict[str, Any]:
    """The metadata by keys in lower case; TOML's dates as strings, like YAML's."""
    return {str(key).lower(): str(v) if isinstance(v, date) else v for key, v in meta.items()}


def _values(meta: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """The values of those keys that are strings, or lists of strings, or mappings with a name."""
    values = []
    for key in keys:
        found = meta.get(key) or []
        names = [
            n.get("name") if isinstance(n, dict) else n
            for n in (found if isinstance(found, list) else [found])
        ]
        shown = (_WIKI_LINK.sub(r"\1", name) for name in names if isinstance(name, str))
        values.append(one_line(", ".join(shown)))
    return [value for value in values if value]


def _first(meta: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next(iter(_values(meta, keys)), "")
