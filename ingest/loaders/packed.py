"""Packed files (gzip, bzip2) read as a stream, so that neither memory nor patience has to hold what they unpack to."""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePath
from typing import BinaryIO

from retrieval.errors import LoadError

PACKINGS = (".gz", ".bz2")
# Twenty years of a busy mailing list unpack to some 2 GB.
MAX_UNPACKED_BYTES = 16 * 2**30
# Mail packs to a tenth, a mailbox full of copies to a hundredth of its size. A file that is made to fill a disk packs
# a thousandfold with gzip, and a millionfold with bzip2. Small files may pack as they like.
MAX_RATIO = 200
SMALL_BYTES = 64 * 2**20


@contextmanager
def unpacked(path: Path) -> Iterator["Unpacked"]:
    """Opens a file that may be packed, by its name's ending."""
    with path.open("rb") as file, _opened(file, path.name, path.stat().st_size) as opened:
        yield opened


@contextmanager
def unpacked_data(data: bytes, name: str) -> Iterator["Unpacked"]:
    """The same for a file's bytes."""
    with _opened(BytesIO(data), name, len(data)) as opened:
        yield opened


@contextmanager
def _opened(file: BinaryIO, name: str, size: int) -> Iterator["Unpacked"]:
    packing = PurePath(name).suffix.lower()
    bound = min(MAX_UNPACKED_BYTES, max(SMALL_BYTES, MAX_RATIO * size))
    if packing == ".gz":
        with gzip.GzipFile(fileobj=file) as unzipped:
            yield Unpacked(unzipped, bound)
    elif packing == ".bz2":
        with bz2.BZ2File(file) as unzipped:
            yield Unpacked(unzipped, bound)
    else:
        yield Unpacked(file, None)


class Unpacked:
    """The bytes of an opened file, of which `bound` may be read (None: all)."""

    def __init__(self, file: gzip.GzipFile | bz2.BZ2File | BinaryIO, bound: int | None) -> None:
        self._file = file
        self._bound = bound
        self._bytes = 0

    def readline(self, limit: int) -> bytes:
        """The next line, or `limit` bytes of it; empty at the end. Raises LoadError where the file is damaged, or
        unpacks to more than it may."""
        try:
            line = self._file.readline(limit)
        except (EOFError, zlib.error) as error:
            raise self._damaged() from error
        except OSError as error:
            if error.errno is not None:  # the disk's fault
                raise
            raise self._damaged() from error
        self._bytes += len(line)
        if self._bound is not None and self._bytes > self._bound:
            raise LoadError(
                f"it unpacks to more than {self._bound >> 20} MB and may be made to fill the disk: unpack it yourself "
                "to have it read"
            )
        return line

    def _damaged(self) -> LoadError:
        return LoadError(
            f"the packed file is damaged or cut off after {self._bytes >> 10} KB of its contents; what came before "
            "is read"
        )
