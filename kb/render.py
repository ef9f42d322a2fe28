"""How passages, answers and their sources look as text. The texts of documents are already cleaned of what acts on a
terminal (`retrieval.text.clean`); the names of files are cleaned here."""

import textwrap
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from kb.chats import Exchange, Source
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo, Filters

if TYPE_CHECKING:
    from generation.types import Answer
    from retrieval.asking import Asked
    from retrieval.types import Hit

# Lines of a passage that a search shows.
_SNIPPET_LINES = 3
_UNWRAPPED_SNIPPET = 240
# Copies of a passage that a search names.
_SHOWN_COPIES = 3
UNSUPPORTED = "[?]"


class Span(Protocol):
    """A hit, a citation, or what `show` found."""

    @property
    def info(self) -> DocumentInfo: ...
    @property
    def heading(self) -> tuple[str, ...]: ...
    @property
    def page(self) -> int | None: ...


def origin(span: Span) -> str:
    """A line that tells a reader where a span is from: title, heading, page, sender, date, file."""
    info = span.info
    parts = [f"{info.title}"]
    if span.heading and one_line(span.heading[-1]) != one_line(info.title):
        parts[0] += f" › {one_line(span.heading[-1])}"
    parts += [f"page {span.page}"] if span.page else []
    parts += [info.author] if info.author and info.kind == "mail" else []
    parts += [day(info.date)] if info.date else []
    parts.append(one_line(info.doc))
    return " · ".join(parts)


def day(iso: str) -> str:
    """An ISO date or time as "3 Sep 2024"."""
    try:
        when = datetime.fromisoformat(iso) if len(iso) > 10 else date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{when.day} {when:%b %Y}"


def quoted(text: str, indent: str, width: int | None) -> str:
    """A quote between marks, its white space as single spaces, wrapped and indented."""
    return wrapped(f"“{' '.join(text.split())}”", indent, width)


def wrapped(text: str, indent: str, width: int | None) -> str:
    """`text` wrapped to `width` columns (None: not at all), every line indented."""
    if width is None:
        return indent + text
    return textwrap.fill(
        text, max(width, 20), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def marked_text(answer: "Answer") -> str:
    """The answer with its marks, and one after each sentence that nothing bears out."""
    text = answer.text
    for sentence in answer.sentences:
        if not sentence.supported:
            text = text.replace(sentence.text, f"{sentence.text} {UNSUPPORTED}", 1)
    return text


def answer_text(text: str, width: int | None) -> str:
    """A marked answer in lines. When a sentence is marked as not borne out, the reader is told what that means."""
    lines = [wrapped(line, "", width) for line in text.splitlines()]
    if UNSUPPORTED in text:
        lines.append(f"{UNSUPPORTED} = not borne out by the documents")
    return "\n".join(lines)


def exchange_of(answer: "Answer") -> Exchange:
    """What is kept of a question and its answer."""
    sources = tuple(Source(c.n, c.ref, origin(c), c.quote) for c in answer.citations)
    return Exchange(answer.question, answer.status, marked_text(answer), sources)


def source_lines(source: Source, width: int | None, answer: str = "") -> list[str]:
    """A source as a reader opens and checks it: where it is from, the exact quote unless the answer has it, its ref."""
    mark = f"[{source.n}] "
    indent = " " * len(mark)
    told = f"“{' '.join(source.quote.split()).removesuffix('.')}”" in " ".join(answer.split())
    return [
        mark + wrapped(source.origin, indent, width).lstrip(),
        *([] if told else [quoted(source.quote, indent, width)]),
        f"{indent}kb show {source.ref}",
    ]


def exchange_lines(exchange: Exchange, width: int | None) -> list[str]:
    """A kept question with its answer and sources."""
    answer = clean(exchange.answer)
    lines = [f"> {one_line(exchange.question)}", *answer_text(answer, width).splitlines()]
    for source in exchange.sources:
        safe = Source(source.n, one_line(source.ref), one_line(source.origin), clean(source.quote))
        lines += source_lines(safe, width, answer)
    return lines


def filters_line(filters: Filters) -> str:
    """What documents may answer, in a line."""
    parts = ["/".join(filters.kinds)] if filters.kinds else []
    parts += [f"by {one_line(filters.sender)}"] if filters.sender else []
    parts += [f"from {filters.after} on"] if filters.after else []
    parts += [f"before {filters.before}"] if filters.before else []
    parts += [f"in {one_line(filters.source)}"] if filters.source else []
    return f"only {' · '.join(parts)}" if parts else "all documents"


def why_lines(answer: "Answer") -> list[str]:
    """How an answer came about: the way it took, how sure each sentence is, the times, and the passages' scores."""
    held = sum(sentence.supported for sentence in answer.sentences)
    ways = f"{answer.model}, second look" if answer.escalated else answer.model
    lines = [
        f"{answer.status.replace('_', ' ')}: {one_line(answer.why)}",
        f"route: {ways}; {answer.prompt_tokens} tokens read, {answer.completion_tokens} written",
        f"borne out: {held} of {len(answer.sentences)} sentences",
        "timings: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in answer.timings_ms.items()),
    ]
    for hit in answer.hits:
        lines += [f"{hit.rank:>2}. {origin(hit)}", evidence_line(hit)]
    return lines


def hit_lines(hit: "Hit", width: int | None) -> list[str]:
    """A hit in the list of a search."""
    mark = f"{hit.rank:>2}. "
    indent = " " * len(mark)
    text = " ".join(hit.text.split())
    if width is None:
        snippet = [indent + textwrap.shorten(text, _UNWRAPPED_SNIPPET, placeholder=" …")]
    else:
        snippet = textwrap.wrap(
            text, max(width, 20), initial_indent=indent, subsequent_indent=indent, max_lines=_SNIPPET_LINES,
            placeholder=" …", break_on_hyphens=False,
        )  # fmt: skip
    lines = [mark + wrapped(origin(hit), indent, width).lstrip(), *snippet, f"{indent}{hit.ref}"]
    if hit.replaced_by:
        lines.append(f"{indent}earlier: replaced by {hit.replaced_by}")
    if hit.copies:
        places = "; ".join(copy_origin(copy.info) for copy in hit.copies[:_SHOWN_COPIES])
        more = f" and {len(hit.copies) - _SHOWN_COPIES} more" if len(hit.copies) > _SHOWN_COPIES else ""
        lines.append(wrapped(f"also in: {places}{more}", indent, width))
    return lines


def copy_origin(info: DocumentInfo) -> str:
    """Where another copy of a passage is from, in a few words."""
    return " · ".join(
        filter(
            None,
            (info.author if info.kind == "mail" else info.title, day(info.date or ""), one_line(info.doc)),
        )
    )


def understood_line(asked: "Asked") -> str:
    """What a question was read to say about where to look."""
    parts = [f"kind: {kind}" for kind in asked.kinds]
    for period in asked.periods:
        start = period.start.isoformat() if period.start else "…"
        end = (period.end - timedelta(days=1)).isoformat() if period.end else "…"
        parts.append(f"“{one_line(period.text)}”: {start} to {end}")
    parts += ["the latest"] if asked.latest else []
    parts += [f"names: {', '.join(sorted(asked.names))}"] if asked.names else []
    return "understood: " + ("; ".join(parts) or "nothing about where to look")


def evidence_line(hit: "Hit") -> str:
    """What a hit's score is made of."""
    parts = " ".join(f"{value:+.3f} {name}" for name, value in hit.evidence.items())
    return f"    {hit.score:.3f} = {parts.removeprefix('+')}"


def passage_lines(hits: "Sequence[Hit]", width: int | None) -> list[str]:
    """The passages that an answer will be built from, a line each."""
    return [
        textwrap.shorten(f"{hit.rank:>2}. {origin(hit)}", max(width or 200, 20), placeholder=" …")
        for hit in hits
    ]
