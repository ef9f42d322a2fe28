"""Cuts documents as an ingest does, and checks what holds for the chunks of every document."""

from functools import cache
from itertools import pairwise

from helpers import MINILM, model_path
from tokenizers import Tokenizer

from ingest.chunker import Chunker, embedded_texts
from ingest.document import Document
from retrieval.types import Chunk

WINDOW = 256  # of all-MiniLM-L6-v2
NOT_INDEXED = ("quote", "signature")


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(model_path(MINILM) / "tokenizer.json"))


def tokens(text: str) -> int:
    """What the model reads of a text, its special tokens included."""
    plain = Tokenizer.from_str(tokenizer().to_str())
    plain.no_truncation()
    plain.no_padding()
    return len(plain.encode(text).ids)


def cut(doc: Document) -> list[Chunk]:
    chunks = Chunker(tokenizer(), WINDOW).chunks(doc)
    assert_lawful(doc, chunks)
    return chunks


def assert_lawful(doc: Document, chunks: list[Chunk]) -> None:
    assert all(a.end <= b.start for a, b in pairwise(chunks)), "in order, not overlapping"
    for chunk, embedded in zip(chunks, embedded_texts(chunks, doc), strict=True):
        inside = doc.text[chunk.start : chunk.end]
        assert inside and inside.strip() == inside, "no empty chunk, no white space at its edges"
        length = max(tokens(embedded), tokens(f"{chunk.header}\n{inside}"))
        assert length <= WINDOW, f"the model would not read the end of a chunk of {length} tokens"
    for block in doc.blocks:
        touching = [c for c in chunks if c.start < block.end and block.start < c.end]
        if block.kind in NOT_INDEXED:
            assert not touching, "what others said before is not indexed again"
            continue
        assert all(chunk.page == block.page for chunk in touching), "a citation names one page"
        covered = {i for c in touching for i in range(c.start, c.end)}
        lost = [i for i in range(block.start, block.end) if i not in covered and not doc.text[i].isspace()]
        assert not lost, f"{doc.text[lost[0] : lost[0] + 40]!r} can't be found"
