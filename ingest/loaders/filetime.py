"""The file's time, for messages that say nothing better about when they were sent."""

from dataclasses import replace
from datetime import UTC, datetime

from ingest.document import Document, PartFailure


def dated_by_file(item: Document | PartFailure, mtime: float) -> Document | PartFailure:
    """`item`, with the time of its file (seconds since 1970) when it is a message, or from one, and has no date. Its
    text stays as it is: the message does not say so."""
    if isinstance(item, PartFailure) or item.info.message_id is None or item.info.date is not None:
        return item
    when = datetime.fromtimestamp(mtime, UTC).isoformat(timespec="seconds")
    return replace(item, info=replace(item.info, date=when, date_from="file"))
