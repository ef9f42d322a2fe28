"""Mail: .eml files, mbox files and Maildirs. A message is a document; so is each attachment that can be read.

A document's text begins with the message's own header lines, so that who wrote it and when can be cited like
anything else. Quoted replies and signatures stay in the text, marked, and are not indexed: a quote belongs to
the message that it came from.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path, PurePosixPath

from ingest.document import Block, Document, PartFailure
from ingest.loaders.html import html_to_text
from ingest.loaders.plain import decode
from ingest.loaders.quotes import body_blocks
from retrieval.errors import LoadError
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# One message, attachments included; a larger one is not read into memory.
MAX_MESSAGE_BYTES = 128 * 2**20
MAX_ATTACHMENT_BYTES = 50 * 2**20
# A forwarded message in a forwarded message in a forwarded message; what lies deeper is named only.
MAX_DEPTH = 3
_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
# "From " in the first column begins a message; writers escape it in bodies as ">From " (RFC 4155).
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def load_eml(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """One message in one file."""
    if path.stat().st_size > MAX_MESSAGE_BYTES:
        raise LoadError(f"the message is larger than {MAX_MESSAGE_BYTES >> 20} MB")
    data = path.read_bytes()
    if not re.match(rb"(?:From [^\n]*\n)?(?:>?[\w-]+[ \t]*:|[ \t\r\n])", data[:2000]):
        raise LoadError("the file does not look like a message: it does not begin with header lines")
    yield from _message(data, doc, part="", depth=0)


def load_maildir(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """A Maildir: every message in its cur and new folders."""
    seen = _Parts()
    for file in sorted(entry for sub in ("cur", "new") for entry in (path / sub).iterdir()):
        if file.is_file() and not file.is_symlink() and not file.name.startswith("."):
            yield from _in_mailbox(file.read_bytes(), doc, seen, file.name)


def load_mbox(path: Path, doc: str) -> Iterator[Document | PartFailure]:
    """An mbox file, message by message; memory holds one at a time."""
    seen = _Parts()
    number = 0
    for number, data in enumerate(_split_mbox(path), start=1):
        yield from _in_mailbox(data, doc, seen, f"message {number}")
    if number == 0:
        raise LoadError('the mailbox holds no message: an mbox file begins with a line "From …"')


class _Parts:
    """Names the messages of one mailbox: a second copy of a message is dropped, another one with its id gets a
    number."""

    def __init__(self) -> None:
        self._digests: dict[str, set[str]] = {}

    def name(self, message_id: str, data: bytes) -> str | None:
        digests = self._digests.setdefault(message_id, set())
        digest = hashlib.sha256(data.strip()).hexdigest()
        if digest in digests:
            return None
        digests.add(digest)
        return message_id if len(digests) == 1 else f"{message_id}#{len(digests)}"


def _in_mailbox(data: bytes, doc: str, seen: _Parts, place: str) -> Iterator[Document | PartFailure]:
    if len(data) > MAX_MESSAGE_BYTES:
        yield PartFailure(place, f"the message is larger than {MAX_MESSAGE_BYTES >> 20} MB")
        return
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(data)
        part = seen.name(_message_id(message, data), data)
        if part is not None:
            yield from _message(data, doc, part, depth=0)
    except LoadError as error:
        yield PartFailure(place, str(error))


def _split_mbox(path: Path) -> Iterator[bytes]:
    """The messages' bytes, unescaped. A line "From " begins one at the start and after an empty line."""
    lines: list[bytes] = []
    size = 0
    blank, inside = True, False
    with path.open("rb") as file:
        for line in file:
            if blank and line.startswith(b"From "):
                if inside:
                    yield _ESCAPED_FROM.sub(rb"\1", b"".join(lines))
                lines, size, inside = [], 0, True
            elif inside and size <= MAX_MESSAGE_BYTES:
                lines.append(line)
                size += len(line)
            blank = not line.strip()
    if inside:
        yield _ESCAPED_FROM.sub(rb"\1", b"".join(lines))


def _message(data: bytes, doc: str, part: str, depth: int) -> Iterator[Document | PartFailure]:
    """The message as a document, then its attachments. Raises LoadError when nothing of it can be read."""
    message = BytesParser(policy=policy.compat32).parsebytes(data)
    message_id = _message_id(message, data)
    subject = _header(message, "Subject")
    sender = _addresses(message, "From")
    recipients = (*_addresses(message, "To"), *_addresses(message, "Cc"))
    when = _date(message)
    attachments = list(_attachments(message))
    head = [f"Subject: {subject or '(no subject)'}"]
    head += [f"From: {', '.join(sender)}"] if sender else []
    head += [f"To: {', '.join(recipients)}"] if recipients else []
    head += [f"Date: {when:%A, %d %B %Y %H:%M %z}".rstrip()] if when else []
    head += [f"Attachments: {', '.join(name for name, _ in attachments)}"] if attachments else []
    meta = "\n".join(head)
    body = _body(message)
    start = len(meta) + 2
    text = f"{meta}\n\n{body}" if body else meta
    blocks = [Block(0, len(meta), "meta"), *body_blocks(text, start if body else len(text))]
    info = DocumentInfo(
        doc, part, "mail", subject or "(no subject)", author=", ".join(sender) or None, recipients=recipients,
        date=when.isoformat() if when else None, message_id=message_id,
    )  # fmt: skip
    yield Document(info, text, tuple(blocks))
    for name, attachment in attachments:
        yield from _attachment(attachment, name, info, depth)


def _body(message: Message) -> str:
    """The message's own text: its plain part, else its HTML part as text."""
    plain, html = [], []
    for part in _walk(message):
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain" and not part.get_filename():
            plain.append(_text(part))
        elif part.get_content_type() == "text/html" and not part.get_filename():
            html.append(html_to_text(_text(part))[0])
    body = "\n\n".join(text for text in plain if text.strip()) or "\n\n".join(html)
    return "\n".join(line.rstrip() for line in clean(body).split("\n")).strip("\n")


def _walk(message: Message) -> Iterator[Message]:
    """The leaves of a message, not entering messages that are attached to it."""
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _walk(part)
    else:
        yield message


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return decode(payload, part.get_content_charset())
    except LoadError:  # bytes that are no text, in a part that claims to be
        return payload.decode("latin-1")


def _attachments(message: Message) -> Iterator[tuple[str, Message]]:
    for number, part in enumerate(_walk(message), start=1):
        name = _decoded(part.get_filename() or "")
        if part.get_content_type() == "message/rfc822":
            yield name or f"message-{number}.eml", part
        elif name or part.get_content_disposition() == "attachment":
            # Only the last component: a name from a message is no path.
            yield PurePosixPath(one_line(name).replace("\\", "/")).name or f"attachment-{number}", part


def _attachment(
    part: Message, name: str, parent: DocumentInfo, depth: int
) -> Iterator[Document | PartFailure]:
    """An attachment's documents, through the loader for its name's ending. One without a loader is only named."""
    from ingest.loaders import LOADERS

    where = f"{parent.message_id}/{name}"
    suffix = Path(name).suffix.lower()
    if depth + 1 > MAX_DEPTH:
        return
    try:
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            data = inner[0].as_bytes() if isinstance(inner, list) and isinstance(inner[0], Message) else b""
            items = _message(data, parent.doc, where, depth + 1)
        elif suffix in (".mbox", ".mbx") or suffix not in LOADERS:
            return
        else:
            items = _through_file(part, suffix, parent.doc, depth)
        for item in items:
            if isinstance(item, PartFailure):
                yield PartFailure(f"{where}/{item.part}".rstrip("/"), item.reason)
                continue
            info = item.info
            inside = f"{where}/{info.part}" if info.part and info.part != where else where
            title = name if not info.title or info.title.startswith("attachment") else info.title
            yield Document(
                DocumentInfo(
                    parent.doc, inside, info.kind, title, info.author or parent.author, parent.recipients,
                    info.date or parent.date, parent.message_id,
                ), item.text, item.blocks,
            )  # fmt: skip
    except (LoadError, MessageError, OSError, UnicodeError, ValueError, LookupError) as error:
        yield PartFailure(where, str(error))


def _through_file(part: Message, suffix: str, doc: str, depth: int) -> Iterator[Document | PartFailure]:
    from ingest.loaders import LOADERS

    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload:
        raise LoadError("the attachment is empty or its encoding is broken")
    if len(payload) > MAX_ATTACHMENT_BYTES:
        raise LoadError(f"the attachment is larger than {MAX_ATTACHMENT_BYTES >> 20} MB")
    with tempfile.TemporaryDirectory(prefix="kb-") as folder:
        path = Path(folder) / f"attachment{suffix}"
        path.write_bytes(payload)
        yield from _message(payload, doc, "", depth + 1) if suffix == ".eml" else LOADERS[suffix](path, doc)


def _message_id(message: Message, data: bytes) -> str:
    """The Message-ID without its brackets; for a message without one, a name made from its bytes."""
    match = _MESSAGE_ID.search(str(message.get("Message-ID", "")))
    return one_line(match.group(1)) if match else f"sha256-{hashlib.sha256(data.strip()).hexdigest()[:32]}"


def _header(message: Message, name: str) -> str:
    return _decoded(str(message.get(name, "")))


def _decoded(raw: str) -> str:
    """A header's text: RFC 2047 words decoded, one line."""
    try:
        return one_line(str(make_header(decode_header(raw))))
    except (
        ValueError,
        LookupError,
        UnicodeError,
        MessageError,
    ):  # unknown charset, broken base64: show it as it is
        return one_line(raw)


def _addresses(message: Message, name: str) -> tuple[str, ...]:
    pairs = getaddresses([str(value) for value in message.get_all(name, [])])
    people = []
    for raw, address in pairs:
        person = _decoded(raw)
        people.append(f"{person} <{address}>" if person and address else person or address)
    return tuple(one_line(person) for person in people if person.strip())


def _date(message: Message) -> datetime | None:
    """When it was sent, else when the last server received it."""
    received = [str(value).rpartition(";")[2] for value in message.get_all("Received", [])]
    for raw in (str(message.get("Date", "")), *received):
        try:
            when = parsedate_to_datetime(raw.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if 1970 <= when.year < 2100:
            return when
    return None
