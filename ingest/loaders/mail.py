"""A message as a document, and each of its attachments that can be read as another.

A document's text begins with the message's own header lines, so that who wrote it and when can be cited like
anything else. Quoted replies and signatures stay in the text, marked, and are not indexed: a quote belongs to
the message that it came from.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import policy
from email.message import Message
from email.parser import BytesParser
from importlib import import_module
from pathlib import PurePosixPath

from ingest.document import Block, Document, PartFailure, within
from ingest.loaders import reader_for, understood
from ingest.loaders.attributions import is_forward
from ingest.loaders.headers import Sent, addresses, decoded, header, message_id, references, sent
from ingest.loaders.html import html_to_text
from ingest.loaders.plain import EmptyFile, decode, headline
from ingest.loaders.quotes import body_blocks
from retrieval.errors import LoadError
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo

# One message, attachments included; a larger one is not read into memory.
MAX_MESSAGE_BYTES = 128 * 2**20
MAX_ATTACHMENT_BYTES = 50 * 2**20
# A forwarded message in a forwarded message in a forwarded message; what lies deeper is named only.
MAX_DEPTH = 3
# A message to the whole company is found by its subject, not by its 400th recipient.
_SHOWN_RECIPIENTS = 12
# A plain part that is this short beside an HTML part this many times longer only says that there is one.
_STUB_CHARS, _STUB_TIMES = 200, 8
_USUAL_HEADERS = (
    "From",
    "Subject",
    "Date",
    "To",
    "Message-ID",
    "Received",
    "MIME-Version",
    "Content-Type",
    "Sender",
)
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/enriched")
_CALENDARS = ("text/calendar", "application/ics")
# Names for attachments that have none, by their kind and number.
_NAMES = {"message/rfc822": "message-{}.eml", "text/calendar": "invitation-{}.ics"}
# The modules that read messages from files.
_PARSERS = {".eml": "mail", ".emlx": "emlx", ".msg": "outlook"}
# What holds a part of the message itself, or all of its attachments.
_TNEF = "Outlook has packed the attachments in its own format, which is not read: ask the sender for them as files"
_UNREAD = {
    "application/ms-tnef": _TNEF,
    "application/vnd.ms-tnef": _TNEF,
    "winmail.dat": _TNEF,
    "application/x-compressed-rtf": "the text of the message is kept as RTF only, which is not read: save it as .eml",
}
_GMAIL_LABELS = re.compile(
    r"(?:inbox|posteingang|sent|gesendet|opened|geöffnet|unread|ungelesen|archived|archiviert|important|wichtig|starred|"
    r"markiert|drafts?|entwürfe|spam|trash|papierkorb|chat|category .*|kategorie.*)$",
    re.IGNORECASE,
)
_UTF8_MARK = b"\xef\xbb\xbf"


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """One message in one file."""
    yield from message_file(parse, data, doc)


def message_file(
    parse: Callable[[bytes], Message], data: bytes, doc: str
) -> Iterator[Document | PartFailure]:
    """The documents of a file that holds one message, in whichever format `parse` understands."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise LoadError(f"the message is larger than {MAX_MESSAGE_BYTES >> 20} MB")
    if not data.removeprefix(_UTF8_MARK).strip():
        raise EmptyFile("the file is empty")
    message = parse(data)
    if not any(name in message for name in _USUAL_HEADERS):
        raise LoadError("it does not look like a message: it does not begin with header lines")
    yield from message_documents(message, message_id(message, data), doc)


def parse(data: bytes) -> Message:
    """The message in `data`, headers undecoded."""
    return BytesParser(policy=policy.compat32).parsebytes(data.removeprefix(_UTF8_MARK).lstrip())


def message_documents(
    message: Message, identifier: str, doc: str, part: str = "", depth: int = 0, kept: Sent | None = None
) -> Iterator[Document | PartFailure]:
    """The message as a document, then its attachments, whose parts are named `identifier/file name`. `kept` is
    what says when it was sent if the message does not. Raises LoadError when the message itself cannot be read."""
    subject = header(message, "Subject")
    sender = ", ".join(addresses(message, "From")[:3])
    to, cc = addresses(message, "To"), addresses(message, "Cc")
    dated = sent(message, kept)
    when = dated.when if dated else None
    labels = _labels(message)
    attachments = list(_attachments(message))
    lines = [f"Subject: {subject[:1000] or '(no subject)'}"]
    lines += [f"From: {sender}"] if sender else []
    lines += [f"{name}: {_shown(people)}" for name, people in (("To", to), ("Cc", cc)) if people]
    lines += [f"Date: {when:%A, %d %B %Y %H:%M %z}"] if when else []
    lines += [f"Labels: {labels}"] if labels else []
    lines += [f"Attachments: {', '.join(name for name, _ in attachments)}"] if attachments else []
    meta = "\n".join(lines)
    body = "\n".join(line.rstrip() for line in clean(_body(message, message)).split("\n")).strip("\n")
    text = f"{meta}\n\n{body}" if body else meta
    blocks = (
        Block(0, len(meta), "meta"),
        *(body_blocks(text, len(meta) + 2, forwards=is_forward(subject)) if body else ()),
    )
    info = DocumentInfo(
        doc, part, "mail", headline(subject) or "(no subject)", author=sender or None, recipients=(*to, *cc),
        date=when.isoformat() if when else None, message_id=identifier, references=references(message, identifier),
        date_from=dated.source if dated else None,
    )  # fmt: skip
    yield Document(info, text, blocks)
    for name, attachment in attachments:
        where = f"{part or identifier}/{name}"
        try:
            with understood():
                yield from _attachment(attachment, name, where, info, depth)
        except EmptyFile:
            continue
        except (LoadError, OSError) as error:
            yield PartFailure(where, str(error))


def _labels(message: Message) -> str:
    """The labels that its owner gave it (Gmail writes them into its mailboxes), without those that Gmail gives."""
    found = [label.strip() for label in header(message, "X-Gmail-Labels")[:1000].split(",")]
    return ", ".join(label for label in found if label and not _GMAIL_LABELS.match(label))


def _shown(people: tuple[str, ...]) -> str:
    more = len(people) - _SHOWN_RECIPIENTS
    return ", ".join(people[:_SHOWN_RECIPIENTS]) + (f" and {more} more" if more > 0 else "")


def _body(part: Message, root: Message) -> str:
    """The message's own text: of alternatives the plain one unless it is a stub, of other parts all."""
    if part.get_content_maintype() == "multipart":
        inner = [p for p in part.get_payload() if isinstance(p, Message)] if part.is_multipart() else []
        if part.get_content_type() == "multipart/alternative":
            return _alternative(inner, root)
        return "\n\n".join(filter(str.strip, (_body(p, root) for p in inner)))
    if part is not root and _is_attachment(part):
        return ""
    kind = part.get_content_type()
    if kind == "text/html":
        return html_to_text(_text(part), mail=True)[0]
    return _text(part) if kind in _TEXTS else ""


def _alternative(parts: list[Message], root: Message) -> str:
    plain = next(
        (t for p in parts if p.get_content_type() == "text/plain" and (t := _body(p, root)).strip()), ""
    )
    if len(plain) > _STUB_CHARS:
        return plain
    other = [_body(p, root) for p in parts if p.get_content_type() != "text/plain"]
    longest = max(other, key=len, default="")
    return longest if len(longest) > _STUB_TIMES * len(plain) else plain


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return decode(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""


def _leaves(message: Message) -> Iterator[Message]:
    """The parts of a message, not entering messages that are attached to it."""
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _is_attachment(part: Message) -> bool:
    kind = part.get_content_type()
    if kind in ("message/rfc822", "text/calendar") or part.get_content_disposition() == "attachment":
        return True
    # Pictures that the HTML part shows in its midst are part of the message.
    shown = part.get_content_maintype() == "image" and (
        part.get_content_disposition() == "inline" or "Content-ID" in part
    )
    return not shown and part.get_filename() is not None


def _attachments(message: Message) -> Iterator[tuple[str, Message]]:
    """The attachments with names that are unique within the message."""
    seen: set[str] = set()
    leaves = list(_leaves(message))
    # An invitation comes as an alternative to the text and, with most programs, as a file too.
    invited = any(part.get_filename() and part.get_content_type() in _CALENDARS for part in leaves)
    for number, part in enumerate(leaves, start=1):
        kind = part.get_content_type()
        if (part is message and kind in _TEXTS) or not _is_attachment(part):
            continue
        if invited and kind in _CALENDARS and not part.get_filename():
            continue
        # Only the last component: a name from a message is no path.
        name = PurePosixPath(decoded(part.get_filename() or "").replace("\\", "/")).name[-150:]
        if not name.strip(". "):
            name = _NAMES.get(kind, "attachment-{}").format(number)
        while name in seen:
            name = f"{name}#{number}"
        seen.add(name)
        yield one_line(name), part


def _attachment(
    part: Message, name: str, where: str, parent: DocumentInfo, depth: int
) -> Iterator[Document | PartFailure]:
    """An attachment's documents. One that no reader reads is only named in the message. What it does not say itself
    (author, date) it has from the message that it came with."""
    for item in _read_attachment(part, name, where, parent, depth):
        if isinstance(item, Document):
            info = replace(
                item.info,
                part=item.info.part or where,
                author=item.info.author or parent.author,
                recipients=item.info.recipients or parent.recipients,
                date=item.info.date or parent.date,
                message_id=parent.message_id,
                references=(),
                date_from=item.info.date_from or parent.date_from,
            )
            yield replace(item, info=info)
        else:
            yield item


def _read_attachment(
    part: Message, name: str, where: str, parent: DocumentInfo, depth: int
) -> Iterator[Document | PartFailure]:
    inside = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(inside, list) and inside:
        if depth < MAX_DEPTH and isinstance(inside[0], Message):
            yield from message_documents(inside[0], where, parent.doc, where, depth + 1)
        return
    bare = re.sub(r"#\d+$", "", name)
    for sign in (part.get_content_type(), bare.lower()):
        if sign in _UNREAD:
            raise LoadError(_UNREAD[sign])
    parser = _PARSERS.get(PurePosixPath(bare).suffix.lower())
    reader = reader_for(bare, part.get_content_type())
    if reader is None or (parser and depth >= MAX_DEPTH):
        return
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload.strip():
        raise EmptyFile("the attachment is empty")
    if len(payload) > MAX_ATTACHMENT_BYTES:
        raise LoadError(f"the attachment is larger than {MAX_ATTACHMENT_BYTES >> 20} MB")
    if parser:
        inner = import_module(f"ingest.loaders.{parser}").parse(payload)
        yield from message_documents(inner, where, parent.doc, where, depth + 1)
    else:
        for item in reader(payload, bare, parent.doc):
            yield within(item, where)
