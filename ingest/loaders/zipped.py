"""Checks of zip-based files before any part of them is unpacked: office formats are zip archives of strangers."""

from io import BytesIO
from zipfile import BadZipFile, ZipFile

from retrieval.errors import LoadError

MAX_ENTRIES = 10_000
MAX_UNPACKED_BYTES = 256 * 2**20
# DEFLATE reaches 1000:1 on zeros. Small files may do as they like: what they unpack to is bearable.
MAX_RATIO = 200
_SMALL_BYTES = 8 * 2**20


def check_zip(data: bytes) -> frozenset[str]:
    """The names of what is in the archive. Raises LoadError when `data` is no zip archive or unpacks to too much. The
    sizes are those that the archive states: zipfile never unpacks more of an entry than that."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    except BadZipFile:
        raise LoadError("it is damaged, encrypted, or not of the format that its name says") from None
    check_sizes(len(data), len(entries), sum(entry.file_size for entry in entries))
    return frozenset(entry.filename for entry in entries)


def check_sizes(packed: int, entries: int, unpacked: int) -> None:
    """Raises LoadError when so many entries, or so many bytes out of so few, are too much."""
    if entries > MAX_ENTRIES:
        raise LoadError(f"it packs {entries} files; at most {MAX_ENTRIES} are read")
    if unpacked > MAX_UNPACKED_BYTES or unpacked > max(_SMALL_BYTES, MAX_RATIO * packed):
        raise LoadError(
            f"it unpacks from {packed} bytes to {unpacked}: too large, or made to fill the memory"
        )
