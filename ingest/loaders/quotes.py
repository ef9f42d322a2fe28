"""Which lines of a mail's body are its own: quoted replies and signatures told apart."""

import re
from collections.abc import Iterator
from itertools import groupby

from ingest.document import Block, BlockKind
from ingest.loaders.plain import paragraphs

# "On Tue, 3 Sep 2024, Dana wrote:" and its German, French, Spanish and Dutch forms.
_ATTRIBUTION = re.compile(
    r"^(?:On\b.{5,200}\bwrote|Am\b.{5,200}\bschrieb.{0,80}|Le\b.{5,200}\ba écrit|El\b.{5,200}\bescribió|"
    r"Op\b.{5,200}\bschreef.{0,80})\s*:\s*$"
)
_ATTRIBUTION_START = re.compile(r"^(?:On|Am|Le|El|Op)\b")


def body_blocks(text: str, start: int) -> Iterator[Block]:
    """The blocks of the body `text[start:]`: paragraphs of its own, "quote" and "signature". A body that is nothing
    but quotes is taken as its own text: it was forwarded to be read."""
    lines: list[tuple[int, int]] = []
    at = start
    for line in text[start:].split("\n"):
        lines.append((at, at + len(line)))
        at += len(line) + 1
    kinds = _line_kinds([text[a:b] for a, b in lines])
    if "paragraph" not in kinds:
        kinds = [kind and "paragraph" for kind in kinds]
    filled = [(kind, line) for kind, line in zip(kinds, lines, strict=True) if kind]
    for kind, group in groupby(filled, key=lambda entry: entry[0]):
        spans = [line for _, line in group]
        for block in paragraphs(text, spans[0][0], spans[-1][1]):
            yield Block(block.start, block.end, kind or "paragraph")


def _line_kinds(lines: list[str]) -> list[BlockKind | None]:
    """A kind for each line, None for an empty one."""
    kinds: list[BlockKind | None] = []
    signature = False
    for number, line in enumerate(lines):
        if line.startswith(">"):
            signature = False
            kind: BlockKind | None = "quote"
        elif line in ("--", "-- "):  # RFC 3676, 4.3
            signature, kind = True, "signature"
        elif not line.strip():
            kind = None
        elif _introduces_quote(lines, number):
            signature, kind = False, "quote"
        else:
            kind = "signature" if signature else "paragraph"
        kinds.append(kind)
    return kinds


def _introduces_quote(lines: list[str], number: int) -> bool:
    """Whether the line is (a part of) the line that says whom the quote below it is from, on up to two lines."""
    for first in (number - 1, number):
        for last in (first, first + 1):
            if (
                first < 0
                or not first <= number <= last < len(lines)
                or not _ATTRIBUTION_START.match(lines[first].strip())
            ):
                continue
            following = next((line for line in lines[last + 1 : last + 4] if line.strip()), "")
            if following.startswith(">") and _ATTRIBUTION.match(
                " ".join(x.strip() for x in lines[first : last + 1])
            ):
                return True
    return False
