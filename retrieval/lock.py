"""One writer at a time: a lock file in the knowledge base's folder, which the kernel frees however its holder ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.errors import StoreBusy, StoreError

LOCK = "writer.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of the knowledge base in `folder`. Raises StoreBusy, with the holder's process id, when another
    process has it, and StoreError when the folder can't be written to."""
    path = folder / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreBusy(
            f"another kb{_holder(path)} is writing to {folder}: wait until it is done, or stop it"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{folder} can't be written to ({error.strerror}): check its permissions, or name another folder with --kb"
        ) from error
    try:
        with suppress(OSError):  # on a full disk; it is only for the others' message
            path.with_suffix(".pid").write_text(f"{os.getpid()}\n")
        yield
    finally:
        path.with_suffix(".pid").unlink(missing_ok=True)
        lock.release()


def _holder(path: Path) -> str:
    try:
        return f" (process {int(path.with_suffix('.pid').read_text())})"
    except (OSError, ValueError):
        return ""
