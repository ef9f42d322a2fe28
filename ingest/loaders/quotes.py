"""Which lines of a mail's body are its own: quoted replies told apart, and signatures, legal and mailing list footers.

What a message quotes belongs to the message that it came from. It stays in the text as "quote", and whether it is
indexed is decided once all messages are known (`ingest.quoted`). What a message forwards is its content.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from ingest.document import Block, BlockKind
from ingest.loaders.attributions import (
    QUOTED,
    answered,
    attribution_above,
    forwarded,
    header_lines,
    line_above,
    unmarked_attribution,
)
from ingest.loaders.plain import paragraphs

_SIGNATURE = ("--", "-- ")  # RFC 3676, 4.3
# What follows the mark and is longer is no signature: some people part sections with it.
_SIGNATURE_LINES = 12
_DEVICE = re.compile(
    r"(?:Sent (?:from|with|via) (?:my )?|Get Outlook for |Gesendet (?:von|mit) |Envoyé (?:de|depuis) mon |"
    r"Enviado desde mi |Inviato da )\S.{0,60}$|Von meinem .{1,40} gesendet$"
)
_ABOUT_MAIL = r"(?:e-?mails?|electronic mail|message|communication|transmission)\b"
_LEGAL = re.compile(
    r"\W*(?:(?:legal|confidentiality|privacy) (?:notice|note|disclaimer|statement)\b|disclaimer ?:"
    rf"|(?:this|the (?:information|contents?)[^.]{{0,60}} this) {_ABOUT_MAIL}[^.]{{0,250}}"
    r"\b(?:confidential|privileged|intended (?:only |solely )?for)"
    r"|diese (?:e-?mail|nachricht)\b[^.]{0,200}vertraulich|ce (?:message|courriel|mail)\b[^.]{0,200}confidentiel"
    r"|este (?:mensaje|correo)\b[^.]{0,200}confidencial)",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"[_-]{10,}\s.*(?:mailing list|listinfo|unsubscribe|sponsored by|groups)|to unsubscribe from this (?:group|list)",
    re.IGNORECASE | re.DOTALL,
)
# How much of a paragraph tells whether it is a footer.
_FOOTER_CHARS = 600


def body_blocks(text: str, start: int, *, forwards: bool = False) -> Iterator[Block]:
    """The blocks of the body `text[start:]`: paragraphs of its own, "quote" and "signature". `forwards` says that
    what it holds below its own text is forwarded, whatever it is called there. A body that is nothing but quotes is
    taken as its own text: it was sent to be read."""
    spans: list[tuple[int, int]] = []
    at = start
    for line in text[start:].split("\n"):
        spans.append((at, at + len(line)))
        at += len(line) + 1
    kinds = _line_kinds([text[a:b] for a, b in spans], forwards)
    for other in ("quote", "signature"):
        if "paragraph" not in kinds:
            kinds = ["paragraph" if kind == other else kind for kind in kinds]
    filled = [(kind, span) for kind, span in zip(kinds, spans, strict=True) if kind]
    for kind, group in groupby(filled, key=lambda entry: entry[0]):
        run = [span for _, span in group]
        for block in paragraphs(text, run[0][0], run[-1][1]):
            yield Block(block.start, block.end, kind)


def _line_kinds(lines: list[str], forwards: bool) -> list[BlockKind | None]:
    """A kind for each line, None for an empty one."""
    kinds: list[BlockKind | None] = []
    while (at := len(kinds)) < len(lines):
        end, content = _other_message(lines, at, forwards)
        kinds += _own(lines[at:end])
        if end < len(lines):
            if not content:
                return kinds + ["quote" if line.strip() else None for line in lines[end:]]
            below = header_lines(lines, _filled(lines, end + 1))
            kinds += ["paragraph" if line.strip() else None for line in lines[end : max(below, end + 1)]]
            _take_off_marks(lines, len(kinds))
            forwards = False
    return kinds


def _other_message(lines: Sequence[str], start: int, forwards: bool) -> tuple[int, bool]:
    """The line at which another message begins that reaches to the end without quotation marks, and whether it is
    content."""
    for number in range(start, len(lines)):
        line = lines[number]
        if not line.strip() or QUOTED.match(line):
            continue
        if forwarded(line):
            return number, True
        if answered(lines, number):
            return line_above(lines, number), forwards
        if unmarked_attribution(lines, number) and not _marked_below(lines, number):
            return number, forwards
    return len(lines), False


def _marked_below(lines: Sequence[str], attribution: int) -> bool:
    """Whether the quote below an attribution has its marks: then the marks say where it ends."""
    end = next(n for n in range(attribution, len(lines)) if lines[n].rstrip().endswith(":"))
    below = _filled(lines, end + 1)
    return below < len(lines) and QUOTED.match(lines[below]) is not None


def _filled(lines: Sequence[str], start: int) -> int:
    """The first line from `start` that is not empty; the last line when all are."""
    return next((number for number in range(start, len(lines)) if lines[number].strip()), len(lines) - 1)


def _take_off_marks(lines: list[str], start: int) -> None:
    """Some programs mark what they forward like a quote: takes a mark off each line of that."""
    for number in range(start, len(lines)):
        if QUOTED.match(lines[number]):
            lines[number] = QUOTED.sub("", lines[number], count=1)
        elif lines[number].strip():
            break


def _own(lines: Sequence[str]) -> list[BlockKind | None]:
    """The kinds of lines of which the quoted ones are marked."""
    kinds: list[BlockKind | None] = [_kind(line) for line in lines]
    for number, line in enumerate(lines):
        if kinds[number] == "quote" and (number == 0 or kinds[number - 1] != "quote"):
            for above in attribution_above(lines, number):
                kinds[above] = "quote"
        if line in _SIGNATURE:
            for below in _signature(lines, number):
                kinds[below] = "signature"
    for footer in _footers(lines, kinds):
        for number in footer:
            kinds[number] = "signature"
    return kinds


def _kind(line: str) -> BlockKind | None:
    if not line.strip():
        return None
    if QUOTED.match(line):
        return "quote"
    return "signature" if _DEVICE.match(line.strip()) else "paragraph"


def _signature(lines: Sequence[str], mark: int) -> range:
    """The mark and the lines of the signature below it, up to a quote, if any."""
    end, filled = mark + 1, 0
    while end < len(lines) and not QUOTED.match(lines[end]):
        filled += bool(lines[end].strip())
        if filled > _SIGNATURE_LINES or end - mark > 3 * _SIGNATURE_LINES:
            return range(0)
        end += 1
    end -= len(attribution_above(lines, end)) if end < len(lines) else 0
    while end > mark + 1 and not lines[end - 1].strip():
        end -= 1
    return range(mark, end)


def _footers(lines: Sequence[str], kinds: Sequence[BlockKind | None]) -> Iterator[list[int]]:
    """The paragraphs that a company's or a mailing list's server has put under the message."""
    for kind, group in groupby(range(len(lines)), key=lambda number: kinds[number]):
        if kind == "paragraph":
            numbers = list(group)
            rule = next((n for n in numbers if lines[n].startswith(("__________", "----------"))), None)
            for begin in {numbers[0], rule} - {None}:
                part = [n for n in numbers if n >= (begin or 0)]
                joined = " ".join(lines[n].strip()[:_FOOTER_CHARS] for n in part[:12])[:_FOOTER_CHARS]
                if _LEGAL.match(joined) or _LIST.match(joined):
                    yield part
                    break
