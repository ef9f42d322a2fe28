"""The header lines of mail as people sent it, which is not always as RFC 5322 and RFC 2047 have it.

The standard parser's modern policy raises on some of what is out there, so headers are read raw and decoded here.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from ingest.loaders.plain import decode_anyway
from retrieval.text import one_line
from retrieval.types import DateFrom

# No honest header line is longer: 1,000 recipients have some 50,000 characters.
_MAX_HEADER = 100_000
_MAX_MESSAGE_ID = 250  # RFC 5322 allows lines of 998; what is longer than this is replaced by a digest
# 1970 is the year of a clock that nobody set.
_UNLIKELY_BEFORE, _UNLIKELY_FROM = 1971, 2100
# How much earlier than it was sent a message may be received: clocks go wrong by hours, time zones too.
_MAX_EARLY = timedelta(days=2)
# References name all messages of a thread on the way to this one; what is longer was made up.
_MAX_REFERENCES = 100
# Public archives of mailing lists hide addresses: "dana at example.org (Dana Fox)".
_HIDDEN = re.compile(r"(\S+) at (\S+\.[^\s.]+)(?: +\((.*)\))?$")


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
            if hidden := _HIDDEN.match(raw.strip()):
                people.append(_person(decoded(hidden[3] or ""), f"{hidden[1]}@{hidden[2]}"))
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


@dataclass(frozen=True, slots=True)
class Sent:
    """When a message was sent, and what says so."""

    when: datetime
    source: DateFrom


def sent(message: Message, kept: Sent | None = None) -> Sent | None:
    """When it was sent, by its own header; when that is missing or impossible, when the last server received it, else
    `kept`. A time without an offset is taken as UTC."""
    written = next((when for raw in raw_headers(message, "Date") if (when := time_of(raw))), None)
    received = max(
        (when for raw in raw_headers(message, "Received") if (when := time_of(raw.rpartition(";")[2]))),
        default=None,
    )
    if written is not None and (received is None or written - received <= _MAX_EARLY):
        return Sent(written, "header")
    return Sent(received, "received") if received is not None else kept


def time_of(raw: str) -> datetime | None:
    """A time as headers have it; None for what is none, or can't be."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            when = parse(raw.strip())
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            if _UNLIKELY_BEFORE <= when.astimezone(UTC).year < _UNLIKELY_FROM:
                return when
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def references(message: Message, identifier: str) -> tuple[str, ...]:
    """The Message-IDs of what the message answers, the oldest first, its parent last. In-Reply-To names the parent;
    some programs write a sentence there ("Message from Dana <address> of Monday <id>"), with the id at its end."""
    found = [one for raw in raw_headers(message, "References") for one in _identifiers(raw)]
    for raw in raw_headers(message, "In-Reply-To"):
        answered = _identifiers(raw)
        if not raw.strip().startswith("<"):
            answered = answered[-1:]
        if len(answered) == 1:
            found = [one for one in found if one not in answered]
        found += [one for one in answered if one not in found]
    # The first is the root of the thread; what is left out are steps on the way from there.
    found = [one for one in dict.fromkeys(found) if one != identifier]
    return tuple(found if len(found) <= _MAX_REFERENCES else found[:1] + found[1 - _MAX_REFERENCES :])


def _identifiers(raw: str) -> list[str]:
    found = ("".join(one_line(match).split()) for match in re.findall(r"<([^<>]+)>", raw))
    return [one for one in found if 0 < len(one) <= _MAX_MESSAGE_ID]


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
