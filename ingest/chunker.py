"""Cuts a document into chunks that fit the embedder's window, along the document's own structure.

Blocks of one section are gathered up to a target size; a section that has grown past a minimum is not mixed
with the next one; a block longer than the target is cut between sentences (tables between rows, which then
carry the names of the table's columns in their header); pages are never mixed, and an agenda or list of contents
stands alone.
Quotes and signatures are not indexed.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tokenizers import Tokenizer

from ingest.document import Block, Document
from retrieval.outline import is_outline
from retrieval.sentences import sentence_spans, strip_span
from retrieval.tables import MIN_COLUMNS, cells, is_data, read
from retrieval.text import one_line
from retrieval.turns import is_transcript, substance, turns
from retrieval.types import Chunk

# Bump when the same document would be cut differently: documents are then read in again.
CHUNKER_VERSION = 5
# Tokens of a chunk's own text at most, if the window and the header allow (benchmarks/RESULTS.md).
TARGET_TOKENS = 230
# A section with fewer tokens may share its chunk with the next one.
SMALL_SECTION_TOKENS = 48
# The header may take this many tokens of the window: a long subject must not crowd out the text.
HEADER_TOKENS = 56
# Rows among which the one is looked for that names a table's columns.
_HEAD_ROWS = 5
# Special tokens, and what a tokenizer may add where header and text meet.
_SPARE_TOKENS = 8


_Size = Callable[[int, int], int]  # tokens between two offsets


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    heading: tuple[str, ...]
    page: int | None
    columns: str = ""  # the row that names the columns of the table that this continues


class Chunker:
    """Cuts documents for one embedding model. `window` is what the model reads, in its own tokens."""

    def __init__(self, tokenizer: Tokenizer, window: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._window = window

    def chunks(self, document: Document) -> list[Chunk]:
        """The document's chunks in order. None is longer, with its header, than the embedder's window."""
        text = document.text
        starts = [s for s, _ in self._tokenizer.encode(text, add_special_tokens=False).offsets]
        speakers = list(turns(text)) if is_transcript(text) else []
        budget = min(TARGET_TOKENS, self._window - self._longest_header(document, speakers) - _SPARE_TOKENS)

        def size(start: int, end: int) -> int:
            return bisect_left(starts, end) - bisect_left(starts, start)

        apart = document.info.kind == "pdf"
        spans = [
            span
            for run in _runs(document.blocks)
            for span in _gather(
                text, [piece for block in run for piece in _pieces(text, block, budget, size, apart)], budget, size
            )
        ]  # fmt: skip
        if apart:
            spans = _with_columns(text, spans)
        return [
            Chunk(
                span.start, span.end, self._header(document, span, _speaking(speakers, span.start)), span.heading,
                span.page, span.columns,
            )
            for span in spans
        ]  # fmt: skip

    def _longest_header(self, document: Document, speakers: Sequence[tuple[int, str]]) -> int:
        """Tokens that the document's headers may take. Which row of a table stands in one is not known before it is
        cut: then it is all that a header may have."""
        if any(block.kind == "table" for block in document.blocks):
            return HEADER_TOKENS
        speaker = max((name for _, name in speakers), key=len, default="")
        headings = {block.heading for block in document.blocks}
        headers = (self._header(document, _Span(0, 0, heading, None), speaker) for heading in headings)
        return max((len(self._tokenizer.encode(h, add_special_tokens=False).ids) for h in headers), default=0)

    def _header(self, document: Document, span: _Span, speaker: str = "") -> str:
        title = document.info.title
        path = [part for part in span.heading if one_line(part) != one_line(title)]
        header = " | ".join(one_line(part) for part in (title, *path, speaker, span.columns) if part)
        offsets = self._tokenizer.encode(header, add_special_tokens=False).offsets
        return header if len(offsets) <= HEADER_TOKENS else header[: offsets[HEADER_TOKENS][0]].rstrip(" |")


def embedded_texts(chunks: Sequence[Chunk], document: Document) -> list[str]:
    """What is embedded for the chunks of a document: the header, then the text without a message's own header lines
    (its subject is in the header, and addresses and dates say nothing of its meaning) and without what is no speech in
    a transcript."""
    lines = [(block.start, block.end) for block in document.blocks if block.kind == "meta"]
    spoken = is_transcript(document.text)
    texts = []
    for chunk in chunks:
        own = _without(document.text, chunk.start, chunk.end, lines)
        texts.append(f"{chunk.header}\n{substance(own) if spoken else own}")
    return texts


def _without(text: str, start: int, end: int, lines: Sequence[tuple[int, int]]) -> str:
    """`text[start:end]` without these spans; whole when nothing else is in it."""
    own, at = "", start
    for line_start, line_end in lines:
        if line_start < end and start < line_end:
            own += text[at:line_start]
            at = line_end
    return (own + text[at:end]).strip() or text[start:end]


def _speaking(speakers: Sequence[tuple[int, str]], at: int) -> str:
    """Whose turn goes on at an offset; empty where a turn begins there, or none has begun."""
    before = bisect_left(speakers, (at + 1, "")) - 1
    return speakers[before][1] if before >= 0 and speakers[before][0] < at else ""


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Neighbouring blocks that are indexed. No chunk reaches over a quote or signature."""
    for indexed, run in groupby(blocks, key=lambda block: block.kind not in ("quote", "signature")):
        if indexed:
            yield list(run)


def _pieces(text: str, block: Block, budget: int, size: _Size, apart: bool) -> Iterator[_Span]:
    """The block whole when it fits, else runs of its sentences (or rows) that do."""
    if size(block.start, block.end) <= budget:
        yield _Span(block.start, block.end, block.heading, block.page)
        return
    units = _units(text, block, budget, size)
    columns = _columns(text, units, size, apart) if block.kind == "table" else ""
    start, end = units[0]
    for unit_start, unit_end in units[1:]:
        if size(start, unit_end) > budget:
            yield _Span(start, end, block.heading, block.page, columns if start > block.start else "")
            start = unit_start
        end = unit_end
    yield _Span(start, end, block.heading, block.page, columns if start > block.start else "")


def _columns(text: str, rows: Sequence[tuple[int, int]], size: _Size, apart: bool) -> str:
    """The row that names the columns of a table: the first one, in a PDF the last head among the first ones. Empty
    where that is a row of figures in a PDF, or too long for a header."""
    head = rows[0]
    if apart:
        lines = [text[slice(*row)] for row in rows[:_HEAD_ROWS]]
        heads = [at for at, line in enumerate(read(lines, apart=True)) if line.role == "head"]
        head = rows[heads[-1]] if heads else head
        if not heads and is_data(cells(lines[0])):
            return ""
    return text[slice(*head)] if size(*head) <= HEADER_TOKENS // 2 else ""


def _with_columns(text: str, spans: Sequence[_Span]) -> list[_Span]:
    """The spans of a PDF, where those that go on with the rows of a table on their page have the names of its columns:
    between them may stand subheadings, which part a table into many."""
    found: list[_Span] = []
    page, columns = None, ""
    for span in spans:
        if span.page != page:
            page, columns = span.page, ""
        rows = [row for row in text[span.start : span.end].splitlines() if row.strip()]
        # What goes on with the rows of its table has their names already.
        lines = read(rows, cells(span.columns) if span.columns else (), apart=True)
        first = next((line for line in lines if line.role != "other"), None)
        bare = first is not None and first.role == "row" and len(first.cells) >= MIN_COLUMNS
        found.append(replace(span, columns=columns) if bare and not span.columns else span)
        heads = [row for row, line in zip(rows, lines, strict=True) if line.role == "head"]
        columns = heads[-1] if heads else span.columns or columns
    return found


def _units(text: str, block: Block, budget: int, size: _Size) -> list[tuple[int, int]]:
    """Sentences or rows of a block; one that is longer than the budget is cut between words, or, where it has
    none, between characters."""
    if block.kind in ("table", "code"):
        spans, at = [], block.start
        for line in text[block.start : block.end].splitlines(keepends=True):
            span = strip_span(text, at, at + len(line))
            at += len(line)
            if span[0] < span[1]:
                spans.append(span)
    else:
        spans = sentence_spans(text, block.start, block.end)
    units: list[tuple[int, int]] = []
    for start, end in spans:
        while size(start, end) > budget:
            cut = _cut(text, start, end, budget, size)
            units.append(strip_span(text, start, cut))
            start, end = strip_span(text, cut, end)
        if start < end:
            units.append((start, end))
    return [unit for unit in units if unit[0] < unit[1]] or [(block.start, block.end)]


def _cut(text: str, start: int, end: int, budget: int, size: _Size) -> int:
    """The largest cut in `(start, end)` with at most `budget` tokens before it, after white space if any."""
    low, high = start + 1, end
    while low < high:
        middle = (low + high + 1) // 2
        if size(start, middle) <= budget:
            low = middle
        else:
            high = middle - 1
    space = max(text.rfind(" ", start + 1, low), text.rfind("\n", start + 1, low))
    return space if space > start else low


def _gather(text: str, pieces: Sequence[_Span], budget: int, size: _Size) -> Iterator[_Span]:
    """Joins neighbouring pieces into chunks."""
    group: list[_Span] = []
    for piece in pieces:
        if group:
            start = group[0].start
            grown = size(start, piece.end) > budget
            new_section = (
                piece.heading != group[-1].heading and size(start, group[-1].end) >= SMALL_SECTION_TOKENS
            )
            alone = is_outline(text[start : group[-1].end])
            if grown or new_section or alone or piece.page != group[0].page or piece.columns:
                yield _join(group)
                group = []
        group.append(piece)
    if group:
        yield _join(group)


def _join(group: Sequence[_Span]) -> _Span:
    """One span over the group; its heading is what the headings of all have in common."""
    heading = group[0].heading
    for piece in group[1:]:
        common = 0
        while common < min(len(heading), len(piece.heading)) and heading[common] == piece.heading[common]:
            common += 1
        heading = heading[:common]
    return _Span(group[0].start, group[-1].end, heading, group[0].page, group[0].columns)
