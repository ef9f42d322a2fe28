"""Plain text, and how bytes become text for all loaders."""

import re
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from ingest.document import Block, Document
from retrieval.errors import LoadError
from retrieval.sentences import strip_span
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# A text file larger than this is a log or a dump, and would take hours to embed.
MAX_TEXT_BYTES = 64 * 2**20
# Share of control characters above which bytes are no text. Real text has hardly any.
_MAX_CONTROL_SHARE = 0.02
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n(?!\s*\n)[^\n]*)*")


def load_text(path: Path, doc: str) -> Iterator[Document]:
    """A plain text file as one document; its paragraphs are its blocks."""
    text = read_text(path)
    yield Document(DocumentInfo(doc, "", "text", title_from_name(path)), text, tuple(paragraphs(text)))


def read_text(path: Path) -> str:
    """The file's text, cleaned. Raises LoadError when it is empty, too large or no text."""
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise LoadError(
            f"the file has {size >> 20} MB, more than the {MAX_TEXT_BYTES >> 20} MB a text may have: split it"
        )
    text = clean(decode(path.read_bytes()))
    if not text.strip():
        raise LoadError("the file is empty")
    return text


def decode(data: bytes, declared: str | None = None) -> str:
    """`data` as text: by byte order mark, as UTF-8, in the declared charset, then by guess. Raises LoadError when
    it does not look like text."""
    text = _decode(data, declared)
    sample = text[:100_000]
    if sample and len(_CONTROL.findall(sample)) > _MAX_CONTROL_SHARE * len(sample):
        raise LoadError("the file does not look like text (it may be a binary file under a text file's name)")
    return text


def _decode(data: bytes, declared: str | None) -> str:
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(name, "replace")
    for name in ("utf-8", declared or "utf-8"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    guess = from_bytes(data[:200_000]).best()
    return data.decode(guess.encoding if guess else "cp1252", "replace")


def paragraphs(text: str, start: int = 0, end: int | None = None) -> Iterator[Block]:
    """The paragraphs (runs of lines that are not blank) of `text[start:end]` as blocks."""
    for match in _PARAGRAPH.finditer(text, start, len(text) if end is None else end):
        a, b = strip_span(text, *match.span())
        yield Block(a, b, "paragraph")


def title_from_name(path: Path) -> str:
    """A title for a file that has none: its name in words."""
    return one_line(re.sub(r"[-_]+", " ", path.stem)) or one_line(path.name)
