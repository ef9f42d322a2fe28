"""Finds the files below a folder that can be read in."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ingest.document import PartFailure
from ingest.loaders import is_maildir, loader_for

# Folders that hold no documents of the user's own.
_IGNORED = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class Found:
    """A file (or Maildir) to read. `size` in bytes, `mtime_ns` in nanoseconds since 1970; for a Maildir the sum and
    the latest of its messages."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Walked:
    """What a walk found, in the order of the paths. `skipped` counts files without a loader; `failures` are
    folders and files that could not be looked at."""

    found: list[Found] = field(default_factory=list)
    skipped: int = 0
    failures: list[PartFailure] = field(default_factory=list)


def walk(root: Path) -> Walked:
    """The readable files in `root`, or `root` itself when it is a file. Hidden files and folders are left out,
    symbolic links are not followed, and only regular files are looked at."""
    walked = Walked()
    if root.is_dir() and not is_maildir(root):
        _folder(root, walked)
    else:
        _file(root, walked)
    return walked


def _folder(folder: Path, walked: Walked) -> None:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        walked.failures.append(PartFailure(str(folder), f"the folder can't be read: {error.strerror}"))
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED:
            continue
        if entry.is_symlink():  # it leads out of the folder, in a circle, or to what is walked anyway
            walked.skipped += 1
        elif entry.is_dir() and not is_maildir(entry):
            _folder(entry, walked)
        else:
            _file(entry, walked)


def _file(path: Path, walked: Walked) -> None:
    try:
        status = path.stat()
        if is_maildir(path):
            walked.found.append(_maildir(path))
        elif stat.S_ISREG(status.st_mode) and loader_for(path) is not None:
            walked.found.append(Found(path, status.st_size, status.st_mtime_ns))
        else:
            walked.skipped += 1
    except OSError as error:
        walked.failures.append(PartFailure(str(path), f"the file can't be read: {error.strerror}"))


def _maildir(path: Path) -> Found:
    entries = [entry.stat() for sub in ("cur", "new") for entry in os.scandir(path / sub)]
    # A message that only moves from new/ to cur/ changes nothing here; the number of them is in the size.
    return Found(path, sum(e.st_size + 1 for e in entries), max((e.st_mtime_ns for e in entries), default=0))
