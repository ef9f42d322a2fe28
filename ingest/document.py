"""What a loader makes of a file: documents with one text, and blocks that say what each part of it is."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from retrieval.types import DocumentInfo

# "meta": a message's own header lines. "quote" and "signature" stay in the text but are not indexed.
BlockKind = Literal["heading", "paragraph", "list", "table", "code", "meta", "quote", "signature"]


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]` is one structural unit. `heading` is the path of the headings above it, outermost
    first (a heading block's own text is the last entry). `page` counts from 1; `label` is what the page itself is
    numbered with, as "iv" or "A-3", where that is something else."""

    start: int
    end: int
    kind: BlockKind
    heading: tuple[str, ...] = ()
    page: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One normalised text (it passed `retrieval.text.clean`) and its blocks: in order, not overlapping,
    none empty, each within the text. What lies between blocks is white space."""

    info: DocumentInfo
    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class PartFailure:
    """A part of a file (a message, an attachment) that could not be read. The others go on."""

    part: str
    reason: str


def within(item: Document | PartFailure, part: str) -> Document | PartFailure:
    """`item`, read from a part of a file, as what lies below that part."""
    if isinstance(item, PartFailure):
        return replace(item, part=f"{part}/{item.part}")
    inner = item.info.part
    return replace(item, info=replace(item.info, part=f"{part}/{inner}" if inner else part))


class Loader(Protocol):
    """Reads the file at `path` into documents, as a stream. `doc` is the path to put into
    `DocumentInfo.doc`. Raises `retrieval.errors.LoadError` when the file as a whole cannot be read."""

    def __call__(self, path: Path, doc: str) -> Iterator[Document | PartFailure]: ...


def dump_layout(blocks: Sequence[Block]) -> str:
    """The blocks as compact JSON, for the store."""
    rows = [[b.start, b.end, b.kind, b.heading, b.page, *([b.label] if b.label else [])] for b in blocks]
    return json.dumps(rows, separators=(",", ":"))


def load_layout(layout: str) -> tuple[Block, ...]:
    """The blocks that `dump_layout` wrote."""
    return tuple(
        Block(start, end, kind, tuple(path), page, *label)
        for start, end, kind, path, page, *label in json.loads(layout)
    )
