"""Which lines of a mail's body are its own: quoted replies and signatures told apart."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from ingest.document import Block, BlockKind
from ingest.loaders.plain import paragraphs

_QUOTED = re.compile(r" ?>")
# The line that says whom a quote is from: "On Tue, 3 Sep 2024, Dana wrote:" and its forms in other languages. The verb
# and the colon are asked for, or an address and the colon, and that quoted lines follow.
_ATTRIBUTION = re.compile(
    r"\b(?:wrote|writes|said|schrieb|schrieben|écrit|escribió|schreef|scritto|escreveu|napisał|skrev|написал|пишет)\b"
    r".{0,120}:$|<[^<>\s]+@[^<>\s]+> ?:$",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(r"(?:On|Am|Le|El|Op|Il|Em|Dnia|Den)\b", re.IGNORECASE)
# "On …, Dana <dana@…> wrote:" breaks into as many lines when mail programs wrap it at 72 characters.
_ATTRIBUTION_LINES = 3
_SIGNATURE = ("--", "-- ")  # RFC 3676, 4.3
# What follows the mark and is longer is no signature: some people part sections with it.
_SIGNATURE_LINES = 12
# A forwarded message below a signature is none of it.
_FORWARDED = re.compile(
    r"-{2,} ?(?:Original|Forwarded|Ursprüngliche|Weitergeleitete|Message)|_{10,}$|From: |Von: |Begin forw"
)


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
        kinds = ["paragraph" if kind == "quote" else kind for kind in kinds]
    filled = [(kind, line) for kind, line in zip(kinds, lines, strict=True) if kind]
    for kind, group in groupby(filled, key=lambda entry: entry[0]):
        spans = [line for _, line in group]
        for block in paragraphs(text, spans[0][0], spans[-1][1]):
            yield Block(block.start, block.end, kind)


def _line_kinds(lines: Sequence[str]) -> list[BlockKind | None]:
    """A kind for each line, None for an empty one."""
    kinds: list[BlockKind | None] = [_kind(line) for line in lines]
    for number, line in enumerate(lines):
        if kinds[number] == "quote" and (number == 0 or kinds[number - 1] != "quote"):
            for attribution in _attribution(lines, kinds, number):
                kinds[attribution] = "quote"
        if line in _SIGNATURE:
            for below in _signature(lines, number):
                kinds[below] = "signature"
    return kinds


def _kind(line: str) -> BlockKind | None:
    if not line.strip():
        return None
    return "quote" if _QUOTED.match(line) else "paragraph"


def _attribution(lines: Sequence[str], kinds: Sequence[BlockKind | None], quote: int) -> range:
    """The lines above the quote that begins at `quote` which say whom it is from; an empty line may lie between."""
    end = quote
    while end > 0 and quote - end < 2 and kinds[end - 1] is None:
        end -= 1
    if end == 0 or not _ATTRIBUTION.search(lines[end - 1].strip()):
        return range(0)
    for start in range(end - 1, max(end - 1 - _ATTRIBUTION_LINES, -1), -1):
        if kinds[start] not in ("paragraph", "signature"):
            break
        if _ATTRIBUTION_START.match(lines[start].strip()):
            return range(start, end)
    # "Dana Fox <dana@…> wrote:" in a line of its own; a sentence that ends like that is left alone.
    alone = end == 1 or kinds[end - 2] is None
    return range(end - 1, end) if alone and len(lines[end - 1]) <= 100 else range(0)


def _signature(lines: Sequence[str], mark: int) -> range:
    """The mark and the lines of the signature below it, up to a quote or a forwarded message, if any."""
    end, filled = mark + 1, 0
    while end < len(lines) and not _QUOTED.match(lines[end]) and not _FORWARDED.match(lines[end].strip()):
        filled += bool(lines[end].strip())
        if filled > _SIGNATURE_LINES or end - mark > 3 * _SIGNATURE_LINES:
            return range(0)
        end += 1
    while end > mark + 1 and not lines[end - 1].strip():
        end -= 1
    return range(mark, end)
