"""Messages of Apple Mail (.emlx): a line with the message's length in bytes, the message, and a property list."""

import re
from collections.abc import Iterator
from email.message import Message

from ingest.document import Document, PartFailure
from ingest.loaders import mail
from retrieval.errors import LoadError

_LENGTH = re.compile(rb"\s*(\d{1,12})[ \t]*\r?\n")
_PROPERTIES = b"<?xml"


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The message of one file."""
    yield from mail.message_file(parse, data, doc)


def parse(data: bytes) -> Message:
    """The message in `data`; where the length is wrong, it reaches to the property list. Raises LoadError when it is
    none."""
    match = _LENGTH.match(data)
    if match is None:
        raise LoadError("it does not look like a message of Apple Mail: it does not begin with a length")
    start, end = match.end(), match.end() + int(match[1])
    below = data[end:].lstrip()
    if end > len(data) or (below and not below.startswith(_PROPERTIES)):
        found = data.rfind(_PROPERTIES, start)
        end = found if found >= 0 else len(data)
    return mail.parse(data[start:end])
