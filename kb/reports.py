"""What the façade's calls return beside hits and answers."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.report import Failure
from retrieval.types import DocumentInfo, Hit, source_json

if TYPE_CHECKING:
    from retrieval.asking import Asked
    from retrieval.threads import Thread


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of a search, best first, and what the query said about where to look. Timings in milliseconds."""

    query: str
    hits: tuple[Hit, ...]
    timings_ms: dict[str, float]
    understood: "Asked"

    def to_json(self, *, explain: bool = False) -> dict[str, Any]:
        """The result as the commands' JSON contract has it; with `explain` what was understood, and the evidence for
        each hit."""
        found: dict[str, Any] = {
            "query": self.query,
            "hits": [hit.to_json(explain=explain) for hit in self.hits],
            "timings_ms": {name: round(ms, 1) for name, ms in self.timings_ms.items()},
        }
        return found | ({"understood": self.understood.to_json()} if explain else {})


@dataclass(frozen=True, slots=True)
class Shown:
    """A document's whole text and the span `text[start:end]` that was asked for; for mail the thread, the refs of its
    attachments, or of the message that it came attached to, and what is known of these. `page_label` is what the page
    is numbered with where that is not `page`."""

    ref: str
    info: DocumentInfo
    text: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]
    page_label: str = ""
    thread: "Thread | None" = None
    attachments: tuple[tuple[str, DocumentInfo], ...] = ()
    attached_to: tuple[str, DocumentInfo] | None = None

    def to_json(self) -> dict[str, Any]:
        """The span as the commands' JSON contract has it."""
        return (
            {"ref": self.ref}
            | source_json(self)
            | {"page_label": self.page_label or None, "text": self.text}
            | {
                "recipients": list(self.info.recipients),
                "thread": None if self.thread is None else _thread_json(self.thread),
                "attachments": [_named_json(*attachment) for attachment in self.attachments],
                "attached_to": None if self.attached_to is None else _named_json(*self.attached_to),
            }
        )


def _named_json(ref: str, info: DocumentInfo) -> dict[str, Any]:
    return {"ref": ref, "part": info.part, "kind": info.kind, "title": info.title}


def _thread_json(thread: "Thread") -> dict[str, Any]:
    messages = [
        {
            "ref": message.ref,
            "message_id": message.info.message_id,
            "title": message.info.title,
            "author": message.info.author,
            "date": message.info.date,
            "depth": message.depth,
            "answers": message.answers,
            "by_subject": message.by_subject,
        }
        for message in thread.messages
    ]
    return {"key": thread.key, "position": thread.position, "messages": messages}


@dataclass(frozen=True, slots=True)
class Listed:
    """A document in the listing, with the number of its chunks and characters."""

    ref: str
    info: DocumentInfo
    chunks: int
    chars: int

    def to_json(self) -> dict[str, Any]:
        """The document's line as JSON."""
        return {"ref": self.ref} | asdict(self.info) | {"chunks": self.chunks, "chars": self.chars}


@dataclass(frozen=True, slots=True)
class BaseStatus:
    """What a knowledge base holds and works with. `by_month` counts the documents by the month of their date
    ("2025-07"), under "" those without one; `oldest` and `newest` are the first and last day of a document
    (YYYY-MM-DD), None where none has a date; `last_ingest` is ISO 8601 in UTC; `failed` are the files that could not be
    read when they were last tried; `index` is the shared index that is searched, if there is one."""

    folder: Path
    documents: int
    chunks: int
    by_kind: dict[str, int]
    by_month: dict[str, int]
    embedder: str
    dimensions: int | None
    bytes_on_disk: int
    oldest: str | None
    newest: str | None
    last_ingest: str | None
    llm: str
    llm_present: bool
    embedder_present: bool
    failed: tuple[Failure, ...]
    roots: tuple[str, ...]
    index: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The status as JSON."""
        return asdict(self) | {"folder": str(self.folder)}
