"""One text, and its blocks, of the pieces that a structured file consists of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.document import Block, BlockKind
from ingest.loaders.plain import headline
from retrieval.errors import LoadError
from retrieval.text import clean, one_line

# As much as a text file may have, for the same reason: it would take hours to embed.
MAX_CHARS = 64 * 2**20
# What a cell may have in Excel. One that is longer is cut, and ends in "…".
MAX_CELL_CHARS = 32_767


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file in reading order. `level` counts for headings: 0 is the outermost."""

    kind: BlockKind
    text: str
    level: int = 0


def laid_out(pieces: Iterable[Piece]) -> tuple[str, tuple[Block, ...]]:
    """The text of the pieces, a blank line between them, and a block for each; neighbouring list items share one.
    Empty pieces are left out. Raises LoadError when the text is longer than a text may be."""
    texts: list[str] = []
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    at = 0
    before = ""
    for piece in pieces:
        text = clean(piece.text)
        # An item below an item keeps its indentation.
        text = text.strip("\n").rstrip() if piece.kind == before == "list" else text.strip()
        if not text.strip():
            continue
        if piece.kind == "heading":
            text = one_line(text)
            path = [*(above for above in path if above[0] < piece.level), (piece.level, headline(text))]
        if piece.kind == before == "list":
            start = blocks.pop().start
            at -= 1  # items of a list are on lines of their own, without a blank one between
            texts[-1] = texts[-1][:-1]
        else:
            start = at
        blocks.append(Block(start, at + len(text), piece.kind, tuple(heading for _, heading in path)))
        texts.append(text + "\n\n")
        at += len(text) + 2
        if at > MAX_CHARS:
            raise LoadError(f"its text has more than {MAX_CHARS >> 20} million characters: split it")
        before = piece.kind
    return "".join(texts).rstrip("\n"), tuple(blocks)


def table(rows: Iterable[Iterable[str]]) -> Piece:
    """A table: a row a line, cells between bars. Rows without text are left out."""
    return Piece("table", "\n".join(_lines(rows)))


def _lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    room = MAX_CHARS
    for row in rows:
        cells = [_cell(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            line = " | ".join(cells)
            room -= len(line)
            if room < 0:
                raise LoadError(f"its text has more than {MAX_CHARS >> 20} million characters: split it")
            yield line


def _cell(text: str) -> str:
    text = one_line(clean(text[: MAX_CELL_CHARS + 1]))
    return text if len(text) <= MAX_CELL_CHARS else text[:MAX_CELL_CHARS].rstrip() + "…"
