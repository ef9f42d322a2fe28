"""Archives (.zip, .tar, also packed with gzip, bzip2 or xz): what lies in them is read as if it lay in a folder,
in memory. Nothing is written to disk, so no member's path can lead anywhere."""

import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo

from ingest.document import Document, PartFailure, within
from ingest.loaders import is_mailbox, reader_for, understood
from ingest.loaders.plain import EmptyFile
from ingest.loaders.zipped import check_sizes, check_zip
from retrieval.errors import LoadError
from retrieval.text import one_line

# An archive in an archive in an archive; some are made to hold themselves.
_MAX_DEPTH = 3

_Member = tuple[str, Callable[[], bytes]]


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The documents of all members, whose parts are named by the members' paths. Members of kinds that are not read,
    and hidden ones, are left out as in a folder. Raises LoadError when the archive as a whole is damaged, or would
    unpack to too much."""
    yield from _read(data, name, doc, 1)


def _read(data: bytes, name: str, doc: str, depth: int) -> Iterator[Document | PartFailure]:
    members = _zip_members(data) if name.lower().endswith(".zip") else _tar_members(data)
    seen: set[str] = set()
    for path, unpack in members:
        steps = [step for step in PurePosixPath(path.replace("\\", "/")).parts if step not in ("/", "..")]
        if not steps or any(step.startswith(".") or step == "__MACOSX" for step in steps):
            continue
        if reader_for(steps[-1]) is None and not is_mailbox(Path(steps[-1])):
            continue
        part = one_line("/".join(steps))[-300:]
        while part in seen:
            part += "#"
        seen.add(part)
        try:
            with understood():
                for item in _member(unpack, steps[-1], doc, depth):
                    yield within(item, part)
        except EmptyFile:
            continue
        except (LoadError, OSError) as error:
            yield PartFailure(part, str(error))


def _member(unpack: Callable[[], bytes], name: str, doc: str, depth: int) -> Iterator[Document | PartFailure]:
    reader = reader_for(name)
    if reader is None:
        raise LoadError("mailboxes in archives are not read: unpack it")
    data = unpack()
    if not data:
        raise EmptyFile("the file is empty")
    if reader is not read:
        yield from reader(data, name, doc)
    elif depth < _MAX_DEPTH:
        yield from _read(data, name, doc, depth + 1)
    else:
        raise LoadError(f"archives are read {_MAX_DEPTH} deep: unpack it")


def _zip_members(data: bytes) -> Iterator[_Member]:
    check_zip(data)
    with ZipFile(BytesIO(data)) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                yield entry.filename, partial(_unzipped, archive, entry)


def _unzipped(archive: ZipFile, entry: ZipInfo) -> bytes:
    if entry.flag_bits & 1:
        raise LoadError("it is encrypted: unpack it with its password")
    return archive.read(entry)


def _tar_members(data: bytes) -> Iterator[_Member]:
    count = size = 0
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r|*") as archive:
            for entry in archive:
                count, size = count + 1, size + entry.size
                check_sizes(len(data), count, size)
                if entry.isreg() and not entry.issparse():
                    content = archive.extractfile(entry)
                    assert content is not None  # it is a regular file
                    yield entry.name, content.read
    except (tarfile.TarError, EOFError) as error:
        raise LoadError(f"the archive is damaged or cut off ({error}); what came before is read") from None
