"""Messages of Outlook (.msg, [MS-OXMSG]): their properties put together to a message as it travels, which is then read
like any other."""

from collections.abc import Iterator
from email import policy
from email.encoders import encode_base64
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import HeaderParser
from email.utils import format_datetime
from typing import Any, cast

from oxmsg import Message as OutlookMessage
from oxmsg.attachment import Attachment
from oxmsg.properties import Properties
from oxmsg.recipient import Recipient
from oxmsg.storage import Storage

from ingest.document import Document, PartFailure
from ingest.loaders.mail import MAX_DEPTH, message_file
from ingest.loaders.plain import decode_anyway
from retrieval.errors import LoadError
from retrieval.text import one_line

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Property identifiers ([MS-OXPROPS]).
_SUBJECT, _SENT, _HEADERS, _MESSAGE_ID, _REFERENCES, _IN_REPLY_TO = (
    0x0037,
    0x0039,
    0x007D,
    0x1035,
    0x1039,
    0x1042,
)
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP, _RECIPIENT_TYPE = 0x0C1A, 0x0C1F, 0x5D01, 0x0C15
_BODY, _HTML, _RTF = 0x1000, 0x1013, 0x1009
_CONTENT, _LONG_NAME, _SHORT_NAME, _MIME_TYPE = 0x3701, 0x3707, 0x3704, 0x370E
_STRING8, _BINARY = 0x001E, 0x0102
_RECIPIENTS = {1: "To", 2: "Cc"}
# Where the properties of a message begin in their stream; a message within a message has a shorter header.
_OUTER, _INNER = 32, 24
_INNER_MESSAGE = "__substg1.0_3701000D"


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The message of one file, and its attachments."""
    yield from message_file(parse, data, doc)


def parse(data: bytes) -> Message:
    """The message in `data`. Raises LoadError when it is none."""
    if not data.startswith(_SIGNATURE):
        raise LoadError("it does not look like a message of Outlook")
    return _message(cast(Storage, OutlookMessage.load(data)._storage), _OUTER, 0)


def _message(storage: Storage, offset: int, depth: int) -> Message:
    properties = Properties(storage, offset)
    message = MIMEMultipart("mixed", policy=policy.compat32)
    for name, value in _headers(storage, properties):
        message[name] = value
    plain, html = _text(storage, properties, _BODY), _html(storage, properties)
    body = MIMEMultipart("alternative", policy=policy.compat32)
    for text, subtype in ((plain, "plain"), (html, "html")):
        if text.strip():
            body.attach(MIMEText(text.encode("utf-8", "replace").decode(), subtype, "utf-8"))
    message.attach(body)
    compressed = _stream(storage, _RTF, _BINARY)
    if compressed and not plain.strip() and not html.strip():
        message.attach(_part("application/x-compressed-rtf", compressed, "the text of the message.rtf"))
    for attached in storage.iter_attachment_storages():
        part = _attachment(attached, depth)
        if part is not None:
            message.attach(part)
    return message


def _headers(storage: Storage, properties: Properties) -> Iterator[tuple[str, str]]:
    """The headers that the message came with, and those of its properties that are not among them."""
    seen = set()
    parsed = HeaderParser(policy=policy.compat32).parsestr(_text(storage, properties, _HEADERS).lstrip())
    for name, value in parsed.items():
        if not name.lower().startswith(("content-", "mime-version")):
            seen.add(name.lower())
            yield name, str(value)
    sent = properties.date_prop_value(_SENT) if _has(properties, _SENT) else None
    address = _text(storage, properties, _SENDER_SMTP) or _text(storage, properties, _SENDER_ADDRESS)
    known = {
        "Subject": _text(storage, properties, _SUBJECT),
        "From": _person(_text(storage, properties, _SENDER_NAME), address),
        "Date": format_datetime(sent) if sent else "",
        "Message-ID": _text(storage, properties, _MESSAGE_ID),
        "References": _text(storage, properties, _REFERENCES),
        "In-Reply-To": _text(storage, properties, _IN_REPLY_TO),
    }
    people: dict[str, list[str]] = {name: [] for name in _RECIPIENTS.values()}
    for entry in storage.iter_recipient_storages():
        recipient = Recipient(entry)
        kind = _RECIPIENTS.get(recipient.properties.int_prop_value(_RECIPIENT_TYPE) or 1)
        if kind is not None:
            people[kind].append(_person(recipient.name, recipient.email_address))
    known |= {name: ", ".join(filter(None, those)) for name, those in people.items()}
    for name, value in known.items():
        if value and name.lower() not in seen:
            yield name, one_line(value)


def _person(name: str, address: str) -> str:
    """A name and address as in a header. Exchange's own addresses ("/O=EXAMPLE/…") mean nothing to a reader."""
    name = one_line(name.strip(" '\""))
    if "@" not in address:
        return name
    quoted = name.replace("\\", "").replace('"', "'")
    return f'"{quoted}" <{one_line(address)}>' if name and name != address else one_line(address)


def _attachment(storage: Storage, depth: int) -> Message | None:
    inner = next((entry for entry in storage.storages if entry.name == _INNER_MESSAGE), None)
    if inner is not None:
        return MIMEMessage(_message(inner, _INNER, depth + 1)) if depth < MAX_DEPTH else None
    attachment = Attachment(storage)
    properties = attachment.properties
    content = attachment.file_bytes if _has(properties, _CONTENT) else None
    name = _text(storage, properties, _LONG_NAME) or _text(storage, properties, _SHORT_NAME)
    return _part(_text(storage, properties, _MIME_TYPE), content or b"", one_line(name) or "attachment")


def _part(content_type: str, content: bytes, name: str) -> Message:
    kind, _, subtype = content_type.partition("/")
    part = MIMEBase(kind or "application", subtype or "octet-stream", policy=policy.compat32)
    part.set_payload(content)
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part


def _html(storage: Storage, properties: Properties) -> str:
    data = _stream(storage, _HTML, _BINARY)
    return decode_anyway(data, properties.body_encoding) if data else _text(storage, properties, _HTML)


def _text(storage: Storage, properties: Properties, identifier: int) -> str:
    """A property that is text; empty when it is missing. Bytes that are not in the declared charset are guessed."""
    try:
        return (properties.str_prop_value(identifier) or "").rstrip("\0")
    except (UnicodeError, LookupError):
        return decode_anyway(_stream(storage, identifier, _STRING8) or b"")
    except KeyError:  # it is declared and not there
        return ""


def _has(properties: Properties, identifier: int) -> bool:
    return any(found.pid == identifier for found in properties)


def _stream(storage: Storage, identifier: int, kind: int) -> bytes | None:
    name = f"__substg1.0_{identifier:04X}{kind:04X}"
    found: Any = next((stream for stream in storage.streams if stream.name == name), None)
    return None if found is None else bytes(found.bytes_)
