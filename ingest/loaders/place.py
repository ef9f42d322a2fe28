"""Where a file lies in the export of a wiki, and what lies around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

# A page is read for what it says about the files that belong to it; none is larger than this.
MAX_PAGE_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """What its place in an export says about a file: the `name` that it had in the wiki, the titles of the pages
    `above` it, the outermost first, and who put it there and when, if the file does not say so itself. `repeated`: all
    of it also stands in another file of the export."""

    name: str
    above: tuple[str, ...] = ()
    author: str | None = None
    date: str | None = None
    repeated: bool = False


class Around(Protocol):
    """The files around one: those of a folder on disk, or of an archive."""

    def names(self, folder: PurePosixPath) -> Sequence[str]:
        """The names of what lies in a folder; none when it can't be looked at."""
        ...

    def read(self, path: PurePosixPath) -> bytes:
        """The bytes of a file; none when it can't be read, or is larger than a page."""
        ...
