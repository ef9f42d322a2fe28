"""The files that documents were read from."""

import hashlib
import os
from pathlib import Path

from retrieval.errors import UsageError
from retrieval.store import Store

# Bytes; a larger file is not read into memory for somebody to look at.
_MOST = 256 * 1024 * 1024


def original(store: Store, ref: str) -> Path:
    """The file that a document was read from, which may be gone: its own, or the mailbox or archive that holds it.
    Raises UsageError when there is no such document."""
    return Path(os.fsdecode(store.file(store.document(ref).id)[0]))


def pdf_file(store: Store, ref: str) -> bytes:
    """The PDF file that a document is. Only the bytes that were ingested are ever returned: what has taken their place
    on the disk since, a link to elsewhere too, has another hash. Raises UsageError where there are none such."""
    document = store.document(ref)
    if document.info.kind != "pdf" or document.info.part:
        raise UsageError(f"{ref} is no PDF file of its own: kb show gives its text")
    path, digest = store.file(document.id)
    try:
        with Path(os.fsdecode(path)).open("rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        raise UsageError(f"the file {document.info.doc} can't be read any more ({error.strerror})") from error
    if len(data) > _MOST or hashlib.sha256(data).hexdigest() != digest:
        raise UsageError(
            f"the file {document.info.doc} is another one than when it was read: run kb ingest again"
        )
    return data
