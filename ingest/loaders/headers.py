"""The header lines of mail as people sent it, which is not always as RFC 5322 and RFC 2047 have it.

The standard parser's modern policy raises on some of what is out there, so headers are read raw and decoded here.
"""

import hashlib
import re
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from ingest.loaders.plain import decode_anyway
from retrieval.text import one_line

# No honest header line is longer: 1,000 recipients have some 50,000 characters.
_MAX_HEADER = 100_000
_MAX_MESSAGE_ID = 250  # RFC 5322 allows lines of 998; what is longer than this is replaced by a digest
_UNLIKELY_BEFORE, _UNLIKELY_FROM = 1970, 2100


def raw_headers(message: Message, name: str) -> list[str]:
    """The lines of that name, as text: bytes beyond ASCII, which should not be there, as UTF-8 or by guess."""
    found = []
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            data = str(value)[:_MAX_HEADER].encode("utf-8", "surrogateescape")
            found.append(decode_anyway(data))
    return found


def header(message: Message, name: str) -> str:
    """The first line of that name, decoded; empty when there is none."""
    return decoded(next(iter(raw_headers(message, name)), ""))


def decoded(raw: str) -> str:
    """A header's text on one line, encoded words (RFC 2047) decoded. What can't be decoded stays as it is."""
    try:
        pieces = decode_header(raw)
    except (MessageError, ValueError):
        return one_line(raw)
    words = []
    for word, charset in pieces:
        if isinstance(word, str):
            words.append(word)
        elif charset is None:
            words.append(word.decode("raw-unicode-escape", "replace"))
        else:  # the charset may be followed by a language (RFC 2231, 5)
            words.append(decode_anyway(word, charset.partition("*")[0]))
    return one_line("".join(words))


def addresses(message: Message, *names: str) -> tuple[str, ...]:
    """The people in those lines, as "Name <address>"; a line that is no list of addresses as it is."""
    people: list[str] = []
    for name in names:
        for raw in raw_headers(message, name):
            if raw.strip().endswith(":;"):  # "undisclosed-recipients:;"
                continue
            try:
                pairs = [pair for pair in getaddresses([raw]) if any(pair)]
            except (RecursionError, ValueError, IndexError):
                pairs = []
            people += [_person(decoded(person), address) for person, address in pairs] or [
                decoded(raw)[:1000]
            ]
    return tuple(dict.fromkeys(person for person in people if person))


def _person(name: str, address: str) -> str:
    address = one_line(address)
    if not address or not name or name == address:
        return name or address
    return f"{name} <{address}>"


def sent(message: Message) -> datetime | None:
    """When it was sent, else when the last server received it. A time without an offset is taken as UTC."""
    for name in ("Date", "Received"):
        times = [_time(raw.rpartition(";")[2].strip()) for raw in raw_headers(message, name)]
        if likely := [when for when in times if when is not None]:
            return max(likely)
    return None


def _time(raw: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            when = parse(raw)
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            if _UNLIKELY_BEFORE <= when.astimezone(UTC).year < _UNLIKELY_FROM:
                return when
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def message_id(message: Message, data: bytes) -> str:
    """The Message-ID without its brackets; for a message without one, a name made from its bytes."""
    raw = " ".join(raw_headers(message, "Message-ID"))
    match = re.search(r"<([^<>]+)>", raw)
    found = "".join(one_line(match.group(1) if match else raw).split())
    return (
        found
        if 0 < len(found) <= _MAX_MESSAGE_ID
        else f"sha256-{hashlib.sha256(data.strip()).hexdigest()[:32]}"
    )
