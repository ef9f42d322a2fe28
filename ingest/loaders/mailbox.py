"""Mailboxes: mbox files, packed or not, and Maildirs, read message by message, so that memory holds one at a time."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path, PurePath

from ingest.document import Document, PartFailure
from ingest.loaders import plain, understood
from ingest.loaders.filetime import dated_by_file
from ingest.loaders.headers import Sent, message_id, time_of
from ingest.loaders.mail import MAX_MESSAGE_BYTES, message_documents, parse
from ingest.loaders.packed import PACKINGS, Unpacked, unpacked, unpacked_data
from retrieval.errors import LoadError

# "From " in the first column begins a message; writers escape it in bodies as ">From " (RFC 4155).
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
# Not all writers do, nor leave an empty line before it. So it must have a date as in "Tue Sep  3 10:15:00 2024", or
# stand below an empty line and above a header line.
_FROM_LINE = re.compile(rb"From \S.* (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*\d\d?:\d\d.*\b\d{4}\b")
_DATE_OF_LINE = re.compile(rb"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*")
_HEADER_LINE = re.compile(rb"[!-9;-~]+[ \t]*:")
# Lines are read in pieces of at most this: a "mailbox" may be one line of a gigabyte.
_MAX_LINE = 2**20

_Open = Callable[[], AbstractContextManager[Unpacked]]


def load_mbox(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """An mbox file. Its documents' parts are the Message-IDs. A packed text file that is no mailbox is a text."""
    yield from _mailbox(partial(unpacked, path), path.name, doc)


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The same for a mailbox in an archive, or attached to a message."""
    yield from _mailbox(partial(unpacked_data, data, name), name, doc)


def _mailbox(opened: _Open, name: str, doc: str) -> Iterator[Document | PartFailure]:
    seen = _Parts()
    number = 0
    with opened() as file:
        for number, (line, data) in enumerate(_messages(file), start=1):
            yield from _in_mailbox(data, doc, seen, f"message {number}", _kept(line))
    if number == 0:
        path = PurePath(name)
        if path.suffix.lower() in PACKINGS and path.stem.lower().endswith(".txt"):
            yield from _text(opened, path.stem, doc)
            return
        raise LoadError('the mailbox holds no message: an mbox file begins with a line "From …"')


def load_maildir(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """A Maildir: every message in its cur and new folders. Its documents' parts are the Message-IDs."""
    seen = _Parts()
    # A file keeps its name up to the colon when it is moved or marked as read.
    files = sorted(
        (entry for sub in ("cur", "new") for entry in (path / sub).iterdir()), key=lambda f: f.name
    )
    for file in files:
        name = file.name.encode("utf-8", "replace").decode()
        try:
            if file.name.startswith(".") or file.is_symlink() or not file.is_file():
                continue
            if file.stat().st_size > MAX_MESSAGE_BYTES:
                raise LoadError(_TOO_LARGE)
            data, mtime = file.read_bytes(), file.stat().st_mtime
        except (LoadError, OSError) as error:
            yield PartFailure(name, getattr(error, "strerror", None) or str(error))
            continue
        for item in _in_mailbox(data, doc, seen, name):
            yield dated_by_file(item, mtime)


def _text(opened: _Open, name: str, doc: str) -> Iterator[Document]:
    data = bytearray()
    with opened() as file:
        while len(data) <= plain.MAX_TEXT_BYTES and (line := file.readline(_MAX_LINE)):
            data += line
    yield from plain.read(bytes(data), name, doc)


def _kept(line: bytes) -> Sent | None:
    """When the message was put into the mailbox, by its line "From address date"."""
    dated = _DATE_OF_LINE.search(line)
    when = time_of(" ".join(dated[0].decode("ascii", "replace").split())) if dated else None
    return None if when is None else Sent(when, "mailbox")


_TOO_LARGE = f"the message is larger than {MAX_MESSAGE_BYTES >> 20} MB"


class _Parts:
    """Names the messages of one mailbox: a second copy of a message is dropped, another one with its id gets a
    number."""

    def __init__(self) -> None:
        self._digests: dict[str, set[bytes]] = {}

    def name(self, identifier: str, data: bytes) -> str | None:
        digests = self._digests.setdefault(identifier, set())
        digest = hashlib.sha256(data.strip()).digest()
        if digest in digests:
            return None
        digests.add(digest)
        return identifier if len(digests) == 1 else f"{identifier}#{len(digests)}"


def _in_mailbox(
    data: bytes, doc: str, seen: _Parts, place: str, kept: Sent | None = None
) -> Iterator[Document | PartFailure]:
    """One message's documents; what is wrong with it costs itself only."""
    part: str | None = place
    try:
        with understood():
            if len(data) > MAX_MESSAGE_BYTES:
                raise LoadError(_TOO_LARGE)
            message = parse(data)
            identifier = message_id(message, data)
            part = seen.name(identifier, data)
            if part is not None:
                yield from message_documents(message, identifier, doc, part, kept=kept)
    except LoadError as error:
        yield PartFailure(part or place, f"{place}: {error}" if part != place else str(error))


def _messages(file: Unpacked) -> Iterator[tuple[bytes, bytes]]:
    """The messages' "From " lines and their bytes, unescaped. Those beyond the size limit come cut off, just over
    it."""
    begin = b""
    lines: list[bytes] = []
    size = 0
    blank, whole_line = True, True
    line = file.readline(_MAX_LINE)
    while line:
        following = file.readline(_MAX_LINE)
        if whole_line and line.startswith(b"From ") and _begins(line, following, blank):
            if begin:
                yield begin, _ESCAPED_FROM.sub(rb"\1", b"".join(lines))
            begin, lines, size = line, [], 0
        elif begin and size <= MAX_MESSAGE_BYTES:
            lines.append(line)
            size += len(line)
        blank = whole_line and not line.strip()
        whole_line = line.endswith(b"\n")
        line = following
    if begin:
        yield begin, _ESCAPED_FROM.sub(rb"\1", b"".join(lines))


def _begins(line: bytes, following: bytes, blank: bool) -> bool:
    """Whether a message begins with the line "From ", given the next one and whether an empty one stands before."""
    return _FROM_LINE.match(line) is not None or (blank and _HEADER_LINE.match(following) is not None)
