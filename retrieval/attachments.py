"""What came attached to a message, and which message a document came attached to.

Both follow from the names that an ingest gives the parts of a file: an attachment's is that of its message, or its
message's Message-ID, a slash and the file's name.
"""

from retrieval.store import Store, StoredDocument
from retrieval.types import DocumentInfo


def attachments(store: Store, document: StoredDocument) -> tuple[tuple[str, DocumentInfo], ...]:
    """The refs of what came attached to a message, or to a message attached to it, and what is known of it."""
    info = document.info
    if info.kind != "mail" or info.message_id is None:
        return ()
    inside = f"{info.part or info.message_id}/"
    rows = store.connection.execute(
        "SELECT id FROM documents WHERE file_id = (SELECT file_id FROM documents WHERE id = ?) "
        "AND part > ? AND part < ? AND message_id = ? ORDER BY id",
        (document.id, inside, f"{inside[:-1]}0", info.message_id),  # "0" follows "/" in ASCII
    )
    ids = [row[0] for row in rows]
    named = store.named(ids)
    return tuple(named[number] for number in ids)


def carrier(store: Store, document: StoredDocument) -> tuple[str, DocumentInfo] | None:
    """The ref of the message that a document came attached to, and what is known of it; None when it came by itself."""
    info = document.info
    if info.message_id is None or info.is_message:
        return None
    pieces = info.part.split("/")
    above = ["/".join(pieces[:end]) for end in range(1, len(pieces))]
    row = store.connection.execute(
        "SELECT id FROM documents WHERE file_id = (SELECT file_id FROM documents WHERE id = ?) "
        f"AND part IN ('', {', '.join('?' * len(above))}) AND message_id = ? ORDER BY length(part) DESC LIMIT 1",
        (document.id, *above, info.message_id),
    ).fetchone()
    return None if row is None else store.named([row[0]])[row[0]]
