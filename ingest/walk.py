"""Finds the files below a folder that can be read in."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.document import PartFailure
from ingest.ignore import Rules
from ingest.loaders import has_loader, is_maildir
from retrieval.errors import UsageError

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
    """What a walk found, in the order of the paths. `skipped` counts files without a loader, `ignored` what ignore
    rules leave out (a folder as one); `failures` are folders and files that could not be looked at, and bad rules."""

    found: list[Found] = field(default_factory=list)
    skipped: int = 0
    ignored: int = 0
    failures: list[PartFailure] = field(default_factory=list)


def require(paths: Sequence[Path]) -> None:
    """Raises UsageError for the first path that does not exist."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist: name a file or folder to ingest")


def walk(root: Path) -> Walked:
    """The readable files in `root`, or `root` itself when it is a file. Hidden files and folders are left out,
    and so is what the ignore files in `root` and below say (`ingest.ignore`). Symbolic links below `root` are not
    followed, and only regular files are looked at, none of them opened but the ignore files."""
    walked = Walked()
    waiting = [(root, Rules())]
    while waiting:  # a stack and no recursion: folders may be nested more deeply than calls
        path, rules = waiting.pop()
        try:
            below, rules = _visit(path, rules, walked, is_root=path is root)
        except OSError as error:
            # The system's own words ("Permission denied") say why.
            walked.failures.append(PartFailure(str(path), f"it can't be read: {error.strerror or error}"))
            continue
        waiting += [(entry, rules) for entry in sorted(below, reverse=True)]
    return walked


def _visit(path: Path, rules: Rules, walked: Walked, *, is_root: bool) -> tuple[list[Path], Rules]:
    """Notes the file, or returns what is to be visited in the folder and the rules that hold in it."""
    status = path.stat() if is_root else path.lstat()
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_root and rules.ignore(path, is_folder=is_folder):
        walked.ignored += 1
        return [], rules
    if is_folder:
        rules, failures = rules.within(path)
        walked.failures += failures
        if is_maildir(path):
            walked.found.append(_maildir(path))
            # A Maildir's folders lie in it, under hidden names (Maildir++) or not.
            return [
                e
                for e in path.iterdir()
                if e.name not in ("cur", "new", "tmp") and not e.is_symlink() and is_maildir(e)
            ], rules
        return [
            entry for entry in path.iterdir() if not entry.name.startswith(".") and entry.name not in _IGNORED
        ], rules
    # A symbolic link leads out of the root, in a circle, or to what is walked anyway.
    if stat.S_ISREG(status.st_mode) and has_loader(path):
        walked.found.append(Found(path, status.st_size, status.st_mtime_ns))
    else:
        walked.skipped += 1
    return [], rules


def _maildir(path: Path) -> Found:
    """A message that only moves from new/ to cur/ changes nothing here; the number of messages is in the size."""
    size = latest = 0
    for folder in ("cur", "new"):
        with os.scandir(path / folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    size += status.st_size + 1
                    latest = max(latest, status.st_mtime_ns)
    return Found(path, size, latest)
