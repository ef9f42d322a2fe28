"""Markdown: blocks by markdown-it's own lines, so that their offsets are exact; front matter as metadata."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml
from dateutil import parser as dates
from markdown_it import MarkdownIt

from ingest.document import Block, BlockKind, Document
from ingest.loaders.plain import read_text, title_from_name
from retrieval.sentences import strip_span
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Front matter larger than this is none; it bounds what a YAML parser is given.
_MAX_FRONT_MATTER = 16_384
# The first that is there wins: when a page was last changed says more than when it was made.
_DATE_KEYS = ("updated", "last_modified", "lastmod", "modified", "last_updated", "date", "created")
_AUTHOR_KEYS = ("author", "authors", "owner", "by")
_KINDS: dict[str, BlockKind] = {
    "paragraph_open": "paragraph", "bullet_list_open": "list", "ordered_list_open": "list", "table_open": "table",
    "fence": "code", "code_block": "code", "heading_open": "heading", "blockquote_open": "paragraph",
    "html_block": "paragraph",
}  # fmt: skip


def load_markdown(path: Path, doc: str) -> Iterator[Document]:
    """A Markdown file as one document. Its text is the source, so that a quote is what the file says."""
    text = read_text(path)
    meta, body = _front_matter(text)
    blocks = tuple(markdown_blocks(text, body))
    first = next((b for b in blocks if b.kind == "heading"), None)
    title = (
        one_line(str(meta.get("title") or ""))
        or (first.heading[-1] if first else "")
        or title_from_name(path)
    )
    info = DocumentInfo(
        doc,
        "",
        "wiki",
        title,
        author=_author(meta),
        date=next(filter(None, map(day, _values(meta, _DATE_KEYS))), None),
    )
    yield Document(info, text, blocks)


def markdown_blocks(text: str, start: int = 0) -> Iterator[Block]:
    """The top-level blocks of the Markdown in `text[start:]`, with the headings above each."""
    body = text[start:]
    starts = [start]
    for line in body.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    path: list[tuple[int, str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(body):
        if token.level != 0 or token.map is None or token.type not in _KINDS:
            continue
        a, b = strip_span(text, starts[token.map[0]], min(starts[token.map[1]], len(text)))
        if a == b:
            continue
        if token.type == "heading_open":
            level = int(token.tag[1])
            name = one_line(re.sub(r"^#+|#+$|\n[=-]+$", "", text[a:b]))
            path = [*(entry for entry in path if entry[0] < level), (level, name)]
        yield Block(a, b, _KINDS[token.type], tuple(name for _, name in path))


def _front_matter(text: str) -> tuple[dict[str, Any], int]:
    """The metadata at the head of a page, and where its body begins. What is no YAML mapping is text."""
    match = _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER])
    if match is None:
        return {}, 0
    try:
        meta = yaml.safe_load(match.group(1))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, 0
    return (meta, match.end()) if isinstance(meta, dict) else ({}, 0)


def _values(meta: dict[str, Any], keys: tuple[str, ...]) -> list[Any]:
    folded = {str(key).lower(): value for key, value in meta.items()}
    return [folded[key] for key in keys if folded.get(key)]


def _author(meta: dict[str, Any]) -> str | None:
    for value in _values(meta, _AUTHOR_KEYS):
        names = value if isinstance(value, list) else [value]
        return one_line(", ".join(str(name) for name in names)) or None
    return None


def day(value: Any) -> str | None:
    """A day as ISO 8601, None for what is no date."""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    try:
        return dates.parse(clean(str(value))).date().isoformat() if value else None
    except (ValueError, OverflowError, TypeError):
        return None
