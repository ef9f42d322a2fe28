"""Files in the export of a wiki (Confluence, Notion), or in generated documentation. The pages above a file become the
first headings above its blocks; its name, author and date are what the wiki says.

Each file of an export is read by itself, by the loader of its kind: one that is broken costs itself only, and one that
changed is read anew without the others.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath

from ingest.document import Document, PartFailure
from ingest.loaders import Reader, confluence, generated, notion
from ingest.loaders.place import MAX_PAGE_BYTES, Around, Place

# Deeper than people nest pages. A path is kept with every block, so it must have a bound.
_MAX_ABOVE = 8
# No export has as many files in one folder; a folder of a million others need not be in memory.
_MAX_NAMES = 100_000


class OnDisk:
    """The files around one on disk. Symbolic links are not followed: they may lead anywhere."""

    def names(self, folder: PurePosixPath) -> Sequence[str]:
        with suppress(OSError):
            return _names(str(folder), Path(folder).stat().st_mtime_ns)
        return ()

    def read(self, path: PurePosixPath) -> bytes:
        file = Path(path)
        with suppress(OSError):
            status = file.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_PAGE_BYTES:
                return file.read_bytes()
        return b""


@lru_cache(maxsize=16)  # all files of a folder ask for them
def _names(folder: str, _mtime_ns: int) -> tuple[str, ...]:
    with os.scandir(folder) as entries:
        return tuple(entry.name for entry in islice(entries, _MAX_NAMES))


def read_in_place(
    reader: Reader, data: bytes, path: PurePosixPath, doc: str, around: Around
) -> Iterator[Document | PartFailure]:
    """What `reader` makes of the file at `path`, with what its place in an export says about it."""
    place = (
        confluence.place_of(path, data, around)
        or notion.place_of(path, data, around)
        or generated.place_of(path, around)
    )
    if place is None:
        yield from reader(data, path.name, doc)
    elif not place.repeated:
        for item in reader(data, place.name, doc):
            yield _at(item, place) if isinstance(item, Document) else item


def _at(item: Document, place: Place) -> Document:
    info = item.info
    above = place.above[-_MAX_ABOVE:]
    return replace(
        item,
        info=replace(info, author=info.author or place.author, date=info.date or place.date),
        blocks=tuple(replace(block, heading=(*above, *block.heading)) for block in item.blocks),
    )
