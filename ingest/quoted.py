"""Quotes in mail that stand nowhere else.

What a message quotes is indexed with the message that it came from, and not a second time with the answer. Whether that
message is there is not known while an answer is read: it may come later, from another mailbox, or be removed. So an
answer is stored without its quotes at first. After every ingest they are looked up for the messages of which that may
have changed, in the texts of the messages that they answer, and a quote that is in none of these is indexed where it
stands. A quote is known when most runs of a few of its words are in those texts: programs wrap lines anew and cut.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from ingest.chunker import Chunker, embedded_texts
from ingest.document import Block, Document, load_layout
from ingest.loaders.attributions import QUOTED, answered, header_lines
from retrieval.store import Space, Store, StoredDocument
from retrieval.threads import earlier
from retrieval.types import Chunk
from retrieval.writer import Settled, Writer

if TYPE_CHECKING:
    from ingest.model import Model

# Messages and chunks that are written together.
_BATCH = 256
# Words that are compared as one. Two texts about the same thing share few runs of four words.
_RUN = 4
_KNOWN_SHARE = 0.6
_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"(?:[ \t]?>)+")


def settle(writer: Writer, loaded: Callable[[], "Model"]) -> int:
    """Looks up the quotes of all messages of which it must be done, and brings the index to what is found. `loaded`
    gives the embedding model, when it is needed. Returns how many chunks were embedded."""
    waiting: list[Settled] = []
    texts: list[str] = []
    embedded = 0
    for number in writer.unsettled():
        model = loaded()
        document = writer.store.document_by_id(number)
        there = _stored(writer.store, document, model.space)
        chunks = {(c.start, c.end): c for c in quote_chunks(writer.store, document, model.chunker)}
        new = [chunk for span, chunk in chunks.items() if span not in there]
        gone = [chunk_id for span, chunk_id in there.items() if span not in chunks]
        waiting.append(Settled(number, gone, new))
        texts += embedded_texts(new, Document(document.info, document.text, ()))
        if len(waiting) + len(texts) >= _BATCH:
            embedded += _write(writer, model, waiting, texts)
            waiting, texts = [], []
    if waiting:
        embedded += _write(writer, loaded(), waiting, texts)
    writer.all_settled()
    return embedded


def _write(writer: Writer, model: "Model", settled: Sequence[Settled], texts: Sequence[str]) -> int:
    vectors, digests = model.embed(texts)
    writer.settle(settled, model.space, vectors, digests)
    return len(texts)


def _stored(store: Store, document: StoredDocument, space: Space) -> dict[tuple[int, int], int]:
    """The chunks that the store has of a message's quotes: their ids by their spans."""
    quotes = [block for block in load_layout(document.layout) if block.kind == "quote"]
    rows = store.connection.execute(
        'SELECT start, "end", id FROM chunks WHERE document_id = ? AND space_id = ?', (document.id, space.id)
    )
    return {
        (start, end): number
        for start, end, number in rows
        if any(block.start <= start < block.end for block in quotes)
    }


def quote_chunks(store: Store, document: StoredDocument, chunker: Chunker) -> list[Chunk]:
    """The chunks of what the message quotes and no message that it answers has."""
    whole = Document(document.info, document.text, ())
    return [
        chunk
        for run in lost_quotes(store, document)
        for chunk in chunker.chunks(
            replace(whole, blocks=tuple(replace(block, kind="paragraph") for block in run))
        )
    ]


def lost_quotes(store: Store, document: StoredDocument) -> list[list[Block]]:
    """The quotes of a message that are in none of the messages that it answers, as runs of neighbouring blocks."""
    blocks = load_layout(document.layout)
    if not document.info.is_message or all(block.kind != "quote" for block in blocks):
        return []
    known = _Known(_words(store.text(number)) for number in earlier(store, document.info))
    lost: list[list[Block]] = []
    for quoted, group in groupby(blocks, key=lambda block: block.kind == "quote"):
        if quoted:
            lost += _lost(document.text, list(group), known)
    return lost


class _Known:
    """The words of texts, to look quotes up in."""

    def __init__(self, texts: Iterable[list[str]]) -> None:
        self._texts = [f" {' '.join(words)} " for words in texts]
        self._runs = {run for text in self._texts for run in _runs(text.split())}

    def has(self, words: Sequence[str]) -> bool:
        """Whether most of a quote's words, in their order, are in the texts."""
        if len(words) < _RUN:
            return any(f" {' '.join(words)} " in text for text in self._texts)
        runs = _runs(words)
        return len(runs & self._runs) >= _KNOWN_SHARE * len(runs)


def _lost(text: str, blocks: Sequence[Block], known: _Known) -> Iterator[list[Block]]:
    """Of neighbouring blocks the runs that are not known. A line that only says whom the quote below it is from goes
    with that."""
    flags: list[bool | None] = []
    for block in blocks:
        words = _words(_quoted(text[block.start : block.end]))
        flags.append(not known.has(words) if words else None)
    for number in range(len(flags) - 2, -1, -1):
        if flags[number] is None:
            flags[number] = flags[number + 1]
    for is_lost, pairs in groupby(zip(flags, blocks, strict=True), key=lambda pair: pair[0]):
        if is_lost:
            yield [block for _, block in pairs]


def _quoted(block: str) -> str:
    """A quote's own words, without marks and without the lines that say whom it is from."""
    lines = block.split("\n")
    marked = [_MARKS.sub("", line, count=1) for line in lines if QUOTED.match(line)]
    if marked:
        return "\n".join(marked)
    start = max(header_lines(lines, 0), int(answered(lines, 0)))
    if start < len(lines):
        start = max(start, header_lines(lines, start))
    below = lines[start:]
    return "" if len(below) <= 4 and block.rstrip().endswith(":") else "\n".join(below)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}
