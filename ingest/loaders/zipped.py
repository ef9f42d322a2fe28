"""Checks of zip-based files before any part of them is unpacked: office formats are zip archives of strangers."""

from io import BytesIO
from zipfile import BadZipFile, ZipFile

from retrieval.errors import LoadError

MAX_ENTRIES = 10_000
MAX_UNPACKED_BYTES = 256 * 2**20
# DEFLATE reaches 1000:1 on zeros. Small files may do as they like: what they unpack to is bearable.
MAX_RATIO = 200
_SMALL_BYTES = 8 * 2**20


def check_zip(
    data: bytes, max_entries: int = MAX_ENTRIES, max_unpacked: int = MAX_UNPACKED_BYTES
) -> frozenset[str]:
    """The names of what is in the archive. Raises LoadError when `data` is no zip archive or unpacks to too much. The
    sizes are those that the archive states: zipfile never unpacks more of an entry than that."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    except BadZipFile:
        raise LoadError("it is damaged, encrypted, or not of the format that its name says") from None
    check_sizes(len(data), len(entries), sum(entry.file_size for entry in entries), max_entries, max_unpacked)
    return frozenset(entry.filename for entry in entries)


def check_sizes(packed: int, entries: int, unpacked: int, max_entries: int, max_unpacked: int) -> None:
    """Raises LoadError when so many entries, or so many bytes out of so few, are too much."""
    if entries > max_entries:
        raise LoadError(f"it packs {entries} files; at most {max_entries} are read")
    if unpacked > max_unpacked or unpacked > max(_SMALL_BYTES, MAX_RATIO * packed):
        raise LoadError(
            f"it unpacks from {packed} bytes to {unpacked}: too large, or made to fill the memory"
        )
