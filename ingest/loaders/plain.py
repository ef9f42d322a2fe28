"""Plain text, and how bytes become text for all loaders."""

import re
from collections.abc import Iterator
from pathlib import PurePath

from charset_normalizer import from_bytes

from ingest.document import Block, Document
from retrieval.errors import LoadError
from retrieval.sentences import strip_span
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# A text file larger than this is a log or a dump, and would take hours to embed.
MAX_TEXT_BYTES = 64 * 2**20
# Share of control characters above which bytes are no text. Real text has hardly any; random bytes have 11 %.
_MAX_CONTROL_SHARE = 0.02
_FEW_CONTROLS = 3  # which a short text may have
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
# Colours and cursor movements in logs (ECMA-48, 5.4).
_TERMINAL = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]")
_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n(?![^\S\n]*\n)[^\n]*)*")
# Byte order marks; UTF-32's begins like UTF-16's, so it comes first.
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)  # fmt: skip
# Charsets in which other text than ASCII may be made of ASCII bytes: valid UTF-8, and yet something else.
_SEVEN_BIT = re.compile(r"iso-?2022|utf-?7|hz|utf-?16|utf-?32", re.IGNORECASE)
# What text in western European languages has beyond ASCII. charset-normalizer takes short texts of this kind for
# central European ones (measured: 5 of 8), so it is asked only about other text.
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøœùúûüÿ“”„‘’‚–—…•€£§°«»¿¡©®™·´\u00a0½²"
)
_MAX_WESTERN_SHARE = (
    0.25  # German has 2 %, French 5 % such letters; in Greek or Cyrillic text every letter is one
)
# The charsets people's files are in; out of all that it knows charset-normalizer also picks telegraph codes.
_LIKELY = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "shift_jis", "euc_jp", "gb18030",
    "big5", "euc_kr",
]  # fmt: skip
# A heading's path is kept with every block below it, so its length must have a bound.
_MAX_HEADLINE = 300


class EmptyFile(LoadError):
    """There is no text in it. An attachment like that is not worth a word; a file is."""


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A plain text file as one document; its paragraphs are its blocks."""
    text = text_of(data)
    yield Document(DocumentInfo(doc, "", "text", title_from_name(name)), text, tuple(paragraphs(text)))


def text_of(data: bytes, declared: str | None = None) -> str:
    """A text file's text, cleaned. Raises LoadError when it is empty, too large or no text."""
    if len(data) > MAX_TEXT_BYTES:
        raise LoadError(
            f"the file has {len(data) >> 20} MB, more than the {MAX_TEXT_BYTES >> 20} MB a text may have: split it"
        )
    text = clean(_TERMINAL.sub("", decode(data, declared)))
    if not text.strip():
        raise EmptyFile("the file is empty")
    return text


def decode(data: bytes, declared: str | None = None) -> str:
    """`data` as text: by byte order mark, as UTF-8, in the declared charset, then by guess. Raises LoadError when
    it does not look like text."""
    text = decode_anyway(data, declared)
    sample = text[:50_000] + text[50_000:][-50_000:]
    if sample and len(_CONTROL.findall(sample)) > _FEW_CONTROLS + _MAX_CONTROL_SHARE * len(sample):
        raise LoadError("it does not look like text (it may be a binary file under a text file's name)")
    return text


def decode_anyway(data: bytes, declared: str | None = None) -> str:
    """As `decode`, for what is known to be text."""
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return data.decode(charset, "replace")
    charsets = ["utf-8", declared or "utf-8"]
    if declared and _SEVEN_BIT.match(declared):
        charsets.reverse()
    for charset in charsets:
        try:
            return data.decode(charset)
        except (UnicodeError, LookupError, ValueError):  # not in it, or no charset of that name
            continue
    western = data.decode("cp1252", "replace")
    beyond_ascii = [char for char in western if char > "\x7f"]
    if _WESTERN.issuperset(beyond_ascii) and len(beyond_ascii) < _MAX_WESTERN_SHARE * len(western):
        return western
    guess = from_bytes(data[:200_000], cp_isolation=_LIKELY).best()
    return data.decode(guess.encoding, "replace") if guess else western


def paragraphs(text: str, start: int = 0, end: int | None = None) -> Iterator[Block]:
    """The paragraphs (runs of lines that are not blank) of `text[start:end]` as blocks."""
    for match in _PARAGRAPH.finditer(text, start, len(text) if end is None else end):
        a, b = strip_span(text, *match.span())
        yield Block(a, b, "paragraph")


def headline(text: str) -> str:
    """`text` as a title or heading: on one line, and cut where it is no longer one."""
    line = one_line(text)
    return line if len(line) <= _MAX_HEADLINE else line[: _MAX_HEADLINE - 1].rstrip() + "…"


def title_from_name(name: str) -> str:
    """A title for a file that has none: its name in words."""
    return headline(re.sub(r"[-_]+", " ", PurePath(name).stem)) or headline(name) or "(no name)"
