"""Archives (.zip, .tar, also packed with gzip, bzip2 or xz): what lies in them is read as if it lay in a folder,
in memory. Nothing is written to disk, so no member's path can lead anywhere."""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from ingest.document import Document, PartFailure, within
from ingest.loaders import MAX_FILE_BYTES, export_reader, has_reader, reader_for, understood
from ingest.loaders.exports import read_in_place
from ingest.loaders.place import MAX_PAGE_BYTES, Around
from ingest.loaders.plain import EmptyFile
from ingest.loaders.zipped import check_sizes, check_zip
from retrieval.errors import LoadError
from retrieval.text import one_line

# An archive in an archive in an archive; some are made to hold themselves.
_MAX_DEPTH = 3
# Members are in memory one at a time, so unlike an office file's they may be large together: the export of a company's
# wiki with all that is attached to its pages.
_MAX_ENTRIES = 100_000
_MAX_UNPACKED_BYTES = 16 * 2**30
_MAX_MEMBER_BYTES = MAX_FILE_BYTES // 2


class _Member:
    """A file in an archive: its path as steps that lead nowhere else, its size, and what gives its bytes."""

    def __init__(self, path: str, size: int, unpack: Callable[[], bytes]) -> None:
        self.steps = _steps(path)
        self.size = size
        self._unpack = unpack

    def data(self) -> bytes:
        if self.size > _MAX_MEMBER_BYTES:
            raise LoadError(
                f"the file has {self.size >> 20} MB; of a file in an archive at most {_MAX_MEMBER_BYTES >> 20} MB are "
                "read: unpack it"
            )
        data = self._unpack()
        if not data:
            raise EmptyFile("the file is empty")
        return data


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """The documents of all members, whose parts are named by the members' paths. Members of kinds that are not read,
    and hidden ones, are left out as in a folder. Raises LoadError when the archive as a whole is damaged, or would
    unpack to too much."""
    yield from _read(data, name, doc, 1)


def _read(data: bytes, name: str, doc: str, depth: int) -> Iterator[Document | PartFailure]:
    if name.lower().endswith(".zip"):
        check_zip(data, _MAX_ENTRIES, _MAX_UNPACKED_BYTES)
        with ZipFile(BytesIO(data)) as archive:
            members = [
                _Member(entry.filename, entry.file_size, partial(_unzipped, archive, entry))
                for entry in archive.infolist()
                if not entry.is_dir()
            ]
            yield from _documents(members, _InArchive(members), doc, depth)
    else:
        yield from _documents(_tar_members(data), _InArchive(()), doc, depth)


def _documents(
    members: Iterator[_Member] | Sequence[_Member], around: Around, doc: str, depth: int
) -> Iterator[Document | PartFailure]:
    seen: set[str] = set()
    for member in members:
        steps = member.steps
        if not steps or any(step.startswith(".") or step == "__MACOSX" for step in steps):
            continue
        if not has_reader(steps[-1]) and not steps[-1].lower().endswith(".xml"):
            continue
        part = one_line("/".join(steps))[-300:]
        while part in seen:
            part += "#"
        seen.add(part)
        try:
            with understood():
                for item in _member(member, around, doc, depth):
                    yield within(item, part)
        except EmptyFile:
            continue
        except (LoadError, OSError) as error:
            yield PartFailure(part, str(error))


def _member(member: _Member, around: Around, doc: str, depth: int) -> Iterator[Document | PartFailure]:
    name = member.steps[-1]
    reader = reader_for(name)
    if reader is read:
        if depth >= _MAX_DEPTH:
            raise LoadError(f"archives are read {_MAX_DEPTH} deep: unpack it")
        yield from _read(member.data(), name, doc, depth + 1)
        return
    data = member.data()
    reader = reader or export_reader(data)
    if reader is not None:
        yield from read_in_place(reader, data, PurePosixPath(*member.steps), doc, around)


class _InArchive:
    """The files around one in its archive. Those of a stream are not known: none."""

    def __init__(self, members: Sequence[_Member]) -> None:
        self._members = {PurePosixPath(*member.steps): member for member in members}
        self._names: dict[PurePosixPath, list[str]] = {}
        for path in self._members:
            self._names.setdefault(path.parent, []).append(path.name)

    def names(self, folder: PurePosixPath) -> Sequence[str]:
        return self._names.get(folder, ())

    def read(self, path: PurePosixPath) -> bytes:
        member = self._members.get(path)
        if member is None or member.size > MAX_PAGE_BYTES:
            return b""
        try:
            return member.data()
        except (LoadError, OSError, BadZipFile):
            return b""


def _steps(path: str) -> tuple[str, ...]:
    """A member's path without what would lead out of the archive."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return tuple(step for step in parts if step not in ("/", "//", ".."))


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
                check_sizes(len(data), count, size, _MAX_ENTRIES, _MAX_UNPACKED_BYTES)
                if entry.isreg() and not entry.issparse():
                    content = archive.extractfile(entry)
                    assert content is not None  # it is a regular file
                    yield _Member(entry.name, entry.size, content.read)
    except (tarfile.TarError, EOFError) as error:
        raise LoadError(f"the archive is damaged or cut off ({error}); what came before is read") from None
