"""A conversation as Markdown. What documents and models wrote is escaped, so that a quote can't bring a picture from
somewhere, a link or a heading into the reader's copy."""

import re
from collections.abc import Sequence

from kb.chats import Exchange
from retrieval.text import one_line

# Any of these may follow a backslash (https://spec.commonmark.org/0.31.2/#backslash-escapes).
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|!&~$^]")
_MARK = re.compile(r"\\\[(\d+|\?)\\\]")


def transcript(exchanges: Sequence[Exchange]) -> str:
    """The questions as headings, each with its answer, its sources and their exact quotes."""
    return "\n".join(part for exchange in exchanges for part in _parts(exchange))


def _parts(exchange: Exchange) -> list[str]:
    parts = [f"## {_plain(exchange.question)}", ""]
    parts += [_plain(line) + "\n" for line in exchange.answer.splitlines() if line.strip()]
    for source in exchange.sources:
        parts += [f"{source.n}. {_plain(source.origin)} (`{source.ref}`)", f"   > {_plain(source.quote)}", ""]
    return parts


def _plain(text: str) -> str:
    """The text on one line, shown by a Markdown reader as it is; the answer's own marks stay."""
    return _MARK.sub(r"[\1]", _SPECIAL.sub(lambda match: f"\\{match[0]}", one_line(text)))
