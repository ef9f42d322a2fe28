"""What of the files on disk must be read in, by what the store knows of them.

A file is unchanged when its size and modification time are, or else its bytes.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.chunker import CHUNKER_VERSION
from ingest.loaders import LOADERS_VERSION
from ingest.readers import file_digest
from ingest.report import Failure, Tally, part_name
from ingest.walk import Found, Walked, walk
from retrieval.writer import FileState, Writer, now_ns

VERSION = f"{LOADERS_VERSION}.{CHUNKER_VERSION}"
# A file modified this shortly before it was read may have been modified again within its clock's tick.
_RACY_NS = 2_000_000_000


def path_key(path: Path) -> bytes:
    """What identifies a file in the store: its absolute path, symbolic links resolved."""
    return os.fsencode(path.resolve())


@dataclass(frozen=True, slots=True)
class Work:
    """A file to read in; `state` is what the store knows of it."""

    found: Found
    doc: str
    state: FileState | None


class Scan:
    """Compares files with the store, and counts what need not be read. `work` must be read, and `vanished` is to be
    removed then: not before, so that a file that moved finds the vectors of its texts."""

    def __init__(self, writer: Writer, tally: Tally, *, prune: bool | None, dry_run: bool) -> None:
        self.work: list[Work] = []
        self.vanished: list[FileState] = []
        self._writer = writer
        self._tally = tally
        self._prune = prune
        self._dry_run = dry_run

    def add(self, path: Path) -> None:
        """Compares a file, or all files in a folder."""
        tally = self._tally
        root = path_key(path)
        known = self._writer.files_below(root)
        walked = walk(path)
        tally.skipped += walked.skipped
        tally.ignored += walked.ignored
        tally.failed += [Failure(failure.part, failure.reason) for failure in walked.failures]
        for found in walked.found:
            state = known.pop(path_key(found.path), None)
            if state is not None and self._unchanged(found, state):
                tally.unchanged += len(self._writer.parts(state.id))
                tally.failed += [
                    Failure(part_name(state.doc, part), reason) for part, reason in state.failures
                ]
            else:
                self.work.append(Work(found, state.doc if state else _doc(found.path), state))
        self._judge_vanished(known, walked)
        if not self._dry_run:
            self._writer.add_root(root)

    def _judge_vanished(self, known: dict[bytes, FileState], walked: Walked) -> None:
        """Notes which of the known files that were not found are to go."""
        unseen = tuple(os.fsencode(Path(failure.part).resolve()) + b"/" for failure in walked.failures)
        vanished = [state for key, state in known.items() if not key.startswith(unseen or (b"\0",))]
        documents = sum(len(self._writer.parts(state.id)) for state in vanished)
        many = len(vanished) * 2 > len(vanished) + len(walked.found)
        if self._prune is False or (many and self._prune is None):
            self._tally.kept += documents
        else:
            self._tally.removed += documents
            self.vanished += vanished

    def _unchanged(self, found: Found, state: FileState) -> bool:
        """Whether the store has all of the file as it is. Reads its bytes only when its times say nothing, and notes
        the times then."""
        if state.digest is None or state.version != VERSION or state.size != found.size:
            return False
        if state.mtime_ns == found.mtime_ns and found.mtime_ns < (state.read_ns or 0) - _RACY_NS:
            return True
        if found.path.is_dir() or file_digest(found.path) != state.digest:
            return False
        if not self._dry_run:
            self._writer.finish_file(
                state.id, size=found.size, mtime_ns=found.mtime_ns, read_ns=now_ns(), digest=state.digest,
                version=VERSION, failures=state.failures,
            )  # fmt: skip
        return True


def outermost(paths: Sequence[Path]) -> list[Path]:
    """The paths without those that lie inside another one."""
    resolved = {path.resolve(): path for path in paths}
    return [path for real, path in resolved.items() if not any(parent in resolved for parent in real.parents)]


def _doc(path: Path) -> str:
    """The path as text; bytes that are no UTF-8, as in names from old disks, as replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")
