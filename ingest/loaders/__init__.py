"""Which loader reads which file.

A format is a module here with one function `read(data, name, doc)`, which makes documents of a file's bytes, so that
a file on disk and an attachment of a message are read by the same code. Mailboxes are streamed from disk instead.
Other packages add formats by entry points of the group `kb.loaders` (docs/loaders.md).
The modules are imported when the first file of their kind is read: the parsers of strangers' files then live in the
reader process only (`ingest.worker`).
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Protocol, cast

from ingest.document import Document, Loader, PartFailure
from ingest.loaders.filetime import dated_by_file
from retrieval.errors import LoadError
from retrieval.text import one_line

# Bump when a loader would read the same file differently: files are then read in again.
_VERSION = 9

# The entry points by which other packages say what they read.
_GROUP = "kb.loaders"
# A PDF or a message is read into memory as a whole, and its parsers need a multiple of that.
MAX_FILE_BYTES = 512 * 2**20

_MODULES = {
    ".md": "markdown", ".markdown": "markdown",
    ".txt": "plain", ".text": "plain", ".log": "plain", ".rst": "restructured", ".rest": "restructured",
    ".adoc": "asciidoc", ".asciidoc": "asciidoc",
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".eml": "mail", ".emlx": "emlx", ".msg": "outlook", ".ics": "invites",
    ".pdf": "pdf", ".docx": "word", ".docm": "word", ".xlsx": "workbook", ".xlsm": "workbook",
    ".pptx": "slides", ".pptm": "slides", ".odt": "opendocument", ".ods": "opendocument",
    ".odp": "opendocument", ".epub": "epub",
    ".zip": "archive", ".tar": "archive", ".tgz": "archive", ".tbz2": "archive", ".txz": "archive",
    ".tar.gz": "archive", ".tar.bz2": "archive", ".tar.xz": "archive",
    ".ipynb": "notebook", ".json": "records", ".jsonl": "records", ".ndjson": "records",
}  # fmt: skip
# Read where OCR is installed; else they are of a kind that is not read.
_PICTURES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"))
# For attachments whose name says nothing. text/plain is not here: that is the message's own text.
_SUFFIX_OF_TYPE = {
    "application/pdf": ".pdf", "text/html": ".html", "text/markdown": ".md", "text/csv": ".csv", "text/plain": ".txt",
    "text/calendar": ".ics", "application/ics": ".ics", "application/vnd.ms-outlook": ".msg",
    "text/tab-separated-values": ".tsv", "application/json": ".json", "application/x-ipynb+json": ".ipynb",
    "application/vnd.oasis.opendocument.text": ".odt", "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp", "application/epub+zip": ".epub",
    "image/png": ".png", "image/jpeg": ".jpg", "image/tiff": ".tiff", "image/webp": ".webp",
    "application/zip": ".zip", "application/x-zip-compressed": ".zip", "application/x-tar": ".tar",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}  # fmt: skip
# Mailing lists keep their archives as mailboxes named 2024-September.txt.gz.
_MAILBOXES = (
    ".mbox", ".mbx", *(name + packing for name in (".mbox", ".mbx", ".txt") for packing in (".gz", ".bz2"))
)  # fmt: skip
# Dumps of a MediaWiki; of other XML files the beginning tells whether they are one.
_PACKED_DUMPS = (".xml.gz", ".xml.bz2")
# Exports that are one XML file, by what they begin with: which module reads them.
_EXPORTS, _BEGINS_WITHIN = {b"<mediawiki": "mediawiki", b"<hibernate-generic": "confluence_xml"}, 1024


class Reader(Protocol):
    """Makes documents of a file's bytes. `name` is the file's own name, `doc` is for `DocumentInfo.doc`. Raises
    LoadError when the file as a whole cannot be read."""

    def __call__(self, data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]: ...


def is_maildir(path: Path) -> bool:
    """Whether `path` is a Maildir: a folder with cur, new and tmp in it (https://cr.yp.to/proto/maildir.html)."""
    return all((path / name).is_dir() for name in ("cur", "new", "tmp"))


def has_loader(path: Path) -> bool:
    """Whether files with that name's ending can be read."""
    return has_reader(path.name) or _export_module(path) is not None


def has_reader(name: str) -> bool:
    """The same for what may lie in an archive, where only its name is known."""
    return _module(name) is not None or _suffix(name) in _added()


def loader_for(path: Path) -> Loader | None:
    """The loader for a Maildir, or for a file by its name's ending; None when there is none."""
    if is_mailbox(path.name) and not path.is_dir():
        return cast(Loader, import_module("ingest.loaders.mailbox").load_mbox)
    if (module := _export_module(path)) is not None and not path.is_dir():
        return cast(Loader, import_module(f"ingest.loaders.{module}").load)
    if is_maildir(path):
        return cast(Loader, import_module("ingest.loaders.mailbox").load_maildir)
    reader = reader_for(path.name)
    return None if reader is None else cast(Loader, partial(_load, reader))


def reader_for(name: str, content_type: str = "") -> Reader | None:
    """The reader of a file by its name's ending, else by its MIME type; None when there is none. Raises LoadError when
    another package's can't be imported."""
    module = _module(name, content_type)
    if module is not None:
        return cast(Reader, import_module(f"ingest.loaders.{module}").read)
    entry = _added().get(_suffix(name))
    return None if entry is None else _loaded(entry)


@lru_cache(maxsize=1)
def _added() -> dict[str, EntryPoint]:
    """What other packages read, by the endings of names. What is read here stays as it is."""
    return {f".{entry.name.lower().removeprefix('.')}": entry for entry in entry_points(group=_GROUP)}


def _loaded(entry: EntryPoint) -> Reader:
    try:
        return cast(Reader, entry.load())
    except (ImportError, AttributeError) as error:
        reason = one_line(f"{type(error).__name__}: {error}")[:200]
        raise LoadError(
            f"its loader {entry.value} can't be imported ({reason}): install its package anew"
        ) from error


def _module(name: str, content_type: str = "") -> str | None:
    """The module that reads files of a name, else of a MIME type."""
    if is_mailbox(name):
        return "mailbox"
    if name.lower().endswith(_PACKED_DUMPS):
        return "mediawiki"
    suffix = _suffix(name) or _SUFFIX_OF_TYPE.get(content_type, "")
    if suffix in _PICTURES:
        return "picture" if has_ocr() else None
    return _MODULES.get(suffix)


@lru_cache(maxsize=1)
def has_ocr() -> bool:
    """Whether the library is installed that reads text in pictures."""
    return find_spec("rapidocr") is not None


def _suffix(name: str) -> str:
    """A name's ending, also a double one like .tar.gz."""
    *_, before, last = ["", "", *(suffix.lower() for suffix in Path(name).suffixes)]
    return before + last if before + last in _MODULES or before + last in _added() else last


def is_mailbox(name: str) -> bool:
    """Whether a file's name is that of a mailbox, packed or not."""
    return name.lower().endswith(_MAILBOXES) and name.lower() not in _MAILBOXES


def _export_module(path: Path) -> str | None:
    """The module that reads a wiki's export in one XML file; None for other files, and other XML."""
    name = path.name.lower()
    if name.endswith(_PACKED_DUMPS):
        return None if name in _PACKED_DUMPS else "mediawiki"
    if path.suffix.lower() == ".xml" and path.is_file():
        with suppress(OSError), path.open("rb") as file:
            return _begun(file.read(_BEGINS_WITHIN))
    return None


def export_reader(data: bytes) -> Reader | None:
    """The reader of a wiki's export in one XML file, by its bytes; None for other XML."""
    module = _begun(data[:_BEGINS_WITHIN])
    return None if module is None else cast(Reader, import_module(f"ingest.loaders.{module}").read)


def _begun(head: bytes) -> str | None:
    return next((module for mark, module in _EXPORTS.items() if mark in head), None)


@contextmanager
def understood() -> Iterator[None]:
    """Makes a LoadError of whatever a parser raises on bytes that were not made for it: which exceptions those are no
    parser says, and one file's must not end the reading of the others."""
    try:
        yield
    except (LoadError, OSError):
        raise
    except MemoryError:
        raise LoadError("reading it takes too much memory: it is too large, or made to do so") from None
    except RecursionError:
        raise LoadError("it is nested too deeply to be read") from None
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")[:200]
        raise LoadError(f"its contents can't be understood ({reason})") from error


def _load(reader: Reader, path: Path, doc: str) -> Iterator[Document | PartFailure]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # reading from a pipe or device might never end
        raise LoadError("it is not a regular file")
    if status.st_size == 0:
        raise LoadError("the file is empty")
    if status.st_size > MAX_FILE_BYTES:
        raise LoadError(
            f"the file has {status.st_size >> 20} MB; at most {MAX_FILE_BYTES >> 20} MB are read: split it"
        )
    with understood():
        # Imported here, for it reads HTML.
        from ingest.loaders.exports import OnDisk, read_in_place

        where = PurePosixPath(path.absolute().as_posix())
        for item in read_in_place(reader, path.read_bytes(), where, doc, OnDisk()):
            yield dated_by_file(item, status.st_mtime)


def loaders_version() -> str:
    """Changes with how files are read: with the loaders here, and with what is installed beside them. Scans that were
    listed as unread, and pictures that lie in archives and mail, are then read when the library for it is there."""
    added = (f"{entry.value} {entry.dist.version if entry.dist else ''}" for entry in _added().values())
    return "+".join([str(_VERSION), *(["ocr"] if has_ocr() else []), *sorted(added)])


LOADERS_VERSION = loaders_version()
