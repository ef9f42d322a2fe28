"""Several reader processes, ahead of the one that takes what they read, in the files' own order.

Each process is driven by a thread, which gives it the next file that nobody has begun. What it has read waits on a
shelf of its own until it is taken. A shelf takes so much text at most, so that neither a mailbox nor ten thousand
notes lie in memory; and a file that is slow to read holds up only what comes after it, not the reading of that.
"""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from ingest.document import Document, PartFailure
from ingest.worker import SECONDS_PER_FILE, ReaderProcess
from retrieval.writer import now_ns

# Reading is many times faster than embedding: more processes than these would only hold memory.
_MOST = 8
# Characters that a reader may be ahead, one document more or less: what an embedder works on for a minute.
_AHEAD_CHARS = 2**21
# What a document counts beside its text.
_DOCUMENT_CHARS = 500


def readers_for(files: int) -> int:
    """How many processes read that many files: one for each processor that this process may use."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, _MOST, files))


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class _End:
    """A file was read, or why not (all of) it."""

    read_ns: int
    digest: str | None
    changed: bool
    error: BaseException | None


class FileRead:
    """A file that is being read. Iterate to get what is in it; the rest is known once it was taken to its end.

    `read_ns` is a time before the reading, on the clock of `now_ns`. `digest` is the SHA-256 of the file's bytes then;
    None for a Maildir, and where it could not be read. `changed` says that the file became another one meanwhile."""

    def __init__(self, shelf: "_Shelf") -> None:
        self._shelf = shelf
        self.read_ns = 0
        self.digest: str | None = None
        self.changed = False

    def __iter__(self) -> Iterator[Document | PartFailure]:
        """What is in the file. Raises LoadError or OSError when it, or the rest of it, can't be read."""
        while True:
            item = self._shelf.take()
            if not isinstance(item, _End):
                yield item
                continue
            self.read_ns, self.digest, self.changed = item.read_ns, item.digest, item.changed
            if item.error is not None:
                raise item.error
            return


class Readers:
    """Reads files, each given as its path and the `doc` of its documents. Use as a context manager, from one thread,
    and take every file to its end before the next one."""

    def __init__(
        self, files: Sequence[tuple[Path, str]], *, processes: int | None = None,
        seconds_per_file: float = SECONDS_PER_FILE,
    ) -> None:  # fmt: skip
        """`processes` are as many as there are processors, unless given."""
        self._files = files
        self._waiting = iter(range(len(files)))
        self._lock = threading.Lock()
        self._begun: list[Future[_Shelf]] = [Future() for _ in files]
        count = processes or readers_for(len(files))
        self._shelves = [_Shelf() for _ in range(count)]
        self._readers = [ReaderProcess(seconds_per_file) for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._drive, args=pair, daemon=True)
            for pair in zip(self._readers, self._shelves, strict=True)
        ]

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for shelf in self._shelves:
            shelf.close()
        for reader in self._readers:
            reader.end()
        for thread in self._threads:
            thread.join()

    def __iter__(self) -> Iterator[FileRead]:
        """The files in their order. Waits for each until a reader has begun it."""
        for begun in self._begun:
            yield FileRead(begun.result())

    def _drive(self, reader: ReaderProcess, shelf: "_Shelf") -> None:
        """Has a reader read what no other has begun."""
        try:
            while (number := self._next()) is not None:
                self._begun[number].set_result(shelf)
                _read(reader, shelf, *self._files[number])
        except _Closed:
            return
        finally:
            # By this thread: the kernel ends a child with the thread that started it.
            reader.end()

    def _next(self) -> int | None:
        with self._lock:
            return next(self._waiting, None)


def _read(reader: ReaderProcess, shelf: "_Shelf", path: Path, doc: str) -> None:
    """Puts what is in a file on the shelf, and its end. Raises _Closed."""
    read_ns = now_ns()
    digest: str | None = None
    error: BaseException | None = None
    changed = False
    try:
        before = path.stat()
        digest = None if path.is_dir() else file_digest(path)
        for item in reader.load(path, doc):
            shelf.put(item)
        after = path.stat()
        changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    except _Closed:
        raise
    except BaseException as caught:  # noqa: BLE001  (raised again where the file is taken)
        error = caught
    shelf.put(_End(read_ns, digest, changed, error))


class _Closed(Exception):
    """Nobody takes what is read any more."""


class _Shelf:
    """What a reader has read and nobody has taken yet, in order."""

    def __init__(self) -> None:
        self._items: deque[Document | PartFailure | _End] = deque()
        self._chars = 0
        self._closed = False
        self._moved = threading.Condition()

    def put(self, item: Document | PartFailure | _End) -> None:
        """Puts something down, as soon as there is room. Raises _Closed."""
        with self._moved:
            self._moved.wait_for(lambda: self._closed or self._chars < _AHEAD_CHARS)
            if self._closed:
                raise _Closed
            self._items.append(item)
            self._chars += _weight(item)
            self._moved.notify_all()

    def take(self) -> Document | PartFailure | _End:
        """The first thing on the shelf, as soon as there is one."""
        with self._moved:
            self._moved.wait_for(lambda: self._items)
            item = self._items.popleft()
            self._chars -= _weight(item)
            self._moved.notify_all()
            return item

    def close(self) -> None:
        """Says that nobody takes anything any more."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()


def _weight(item: Document | PartFailure | _End) -> int:
    return _DOCUMENT_CHARS + (len(item.text) if isinstance(item, Document) else 0)
