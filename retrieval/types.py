"""The values that travel between the rooms: what a document is, where a chunk lies in it, what a hit is.

Every `start`/`end` is a half-open `[start:end)` range of code points in the document's one normalised
text, so a chunk, a hit or a citation is proven by slicing that text and by nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Kind = Literal["wiki", "mail", "pdf", "text"]
KINDS: tuple[Kind, ...] = ("wiki", "mail", "pdf", "text")
# Where the date of a message is from: its own header, the last server's, the mailbox's line above it, its file's time.
DateFrom = Literal["header", "received", "mailbox", "file"]


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known about a document besides its text.

    `doc` is the path of its file as the user ingested it. `part` tells documents of one file apart: empty
    for a file that is one document, the Message-ID for a message in a mailbox, `Message-ID/name` for an
    attachment. `date` is ISO 8601 (a day, or a time with its offset) and comes from the document itself; only a
    message that has none takes its file's, and `date_from` says so. `author` is a name, `Name <address>` for mail.
    `references` are the Message-IDs of what a message answers, the oldest first, its parent last.
    """

    doc: str
    part: str
    kind: Kind
    title: str
    author: str | None = None
    recipients: tuple[str, ...] = ()
    date: str | None = None
    message_id: str | None = None
    references: tuple[str, ...] = ()
    date_from: DateFrom | None = None

    @property
    def is_message(self) -> bool:
        """Whether it is a message of its own: one that is attached to another is that one's attachment."""
        _, _, below = self.part.partition(self.message_id or "\0")
        return self.kind == "mail" and "/" not in below


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document that is found as one: `text[start:end]`.

    `header` (title, heading path, sender, date) is embedded and searched with the chunk but is no part of
    its span. `page` counts from 1, for documents that have pages. `columns` is the row that names the columns of the
    table that a chunk begins in the midst of.
    """

    start: int
    end: int
    header: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    columns: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer. Empty fields do not restrict.

    `sender` matches a part of the author, whatever its case. `after` includes its day, `before` does not.
    A document without a date passes neither. `source` is a shell pattern over `doc`.
    """

    kinds: tuple[Kind, ...] = ()
    sender: str | None = None
    after: date | None = None
    before: date | None = None
    source: str | None = None

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Copy:
    """Another place where the same passage stands."""

    ref: str
    info: DocumentInfo


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search found. `score` orders the hits, up to the place that neighbours make for others; `evidence`
    says what it is made of. `dense` is the cosine to the query and `lexical` the BM25 score (larger is better; None
    where no word is found). `columns` as in `Chunk`. `copies` are passages with the same words elsewhere. `replaced_by`
    is the ref of a later decision that holds in place of what this passage states."""

    rank: int
    ref: str
    document_id: int
    info: DocumentInfo
    start: int
    end: int
    text: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    columns: str = ""
    score: float = 0.0
    dense: float | None = None
    lexical: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    replaced_by: str | None = None

    def to_json(self, *, explain: bool = False) -> dict[str, Any]:
        """The hit as the commands' JSON contract has it, with its copies if it has some, and its evidence on demand."""
        found = (
            {"rank": self.rank, "ref": self.ref}
            | source_json(self)
            | {
                "text": self.text,
                "score": round(self.score, 4),
                "dense": None if self.dense is None else round(self.dense, 4),
                "lexical": None if self.lexical is None else round(self.lexical, 4),
            }
        )
        if self.copies:
            found["copies"] = [
                {
                    "ref": copy.ref,
                    "doc": copy.info.doc,
                    "title": copy.info.title,
                    "message_id": copy.info.message_id,
                    "author": copy.info.author,
                    "date": copy.info.date,
                }
                for copy in self.copies
            ]
        if self.replaced_by:
            found["replaced_by"] = self.replaced_by
        if explain:
            found["evidence"] = {name: round(value, 4) for name, value in self.evidence.items()}
        return found


def source_json(span: Any) -> dict[str, Any]:
    """Where a span comes from: the fields that hits and citations share in JSON."""
    info: DocumentInfo = span.info
    return {
        "doc": info.doc,
        "kind": info.kind,
        "title": info.title,
        "start": span.start,
        "end": span.end,
        "page": span.page,
        "heading": list(span.heading) or None,
        "message_id": info.message_id,
        "author": info.author,
        "date": info.date,
    }
