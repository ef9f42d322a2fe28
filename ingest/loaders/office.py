"""What office files of all kinds say about themselves."""

from datetime import datetime

from ingest.loaders.plain import headline, title_from_name
from retrieval.text import one_line
from retrieval.types import DocumentInfo


def described(
    name: str, doc: str, title: str | None = None, author: str | None = None, changed: datetime | None = None
) -> DocumentInfo:
    """The info of an office file by its properties, as far as it has them."""
    return DocumentInfo(
        doc,
        "",
        "text",
        headline(title or "") or title_from_name(name),
        author=one_line(author or "") or None,
        date=changed.date().isoformat() if changed else None,
    )
