"""What an ingest says while it runs and when it is done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is. `stage` is "scan", "models", "index" or "finish"; `doc` the file being read.
    `fraction` of the bytes to read is done (0 to 1); `chunks` have been embedded; `files` of
    `files_total` changed files are done."""

    stage: str
    doc: str = ""
    fraction: float = 0.0
    chunks: int = 0
    files: int = 0
    files_total: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or a part of one (`doc` is then `path#part`), that could not be read, and why."""

    doc: str
    error: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. The first four count documents; `removed` ones had vanished from disk.
    `kept` counts documents whose files vanished but which the guard kept (see `--prune`).
    `skipped` counts files of kinds that have no loader, `ignored` what `.gitignore` and `.kbignore` leave out
    (a folder as one). `documents` and `chunks` are totals of the
    knowledge base afterwards."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: tuple[Failure, ...] = ()
    skipped: int = 0
    ignored: int = 0
    kept: int = 0
    documents: int = 0
    chunks: int = 0
    seconds: float = 0.0
    seconds_by_stage: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The report as the commands' JSON contract has it."""
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "failed": [{"doc": failure.doc, "error": failure.error} for failure in self.failed],
            "skipped": self.skipped,
            "ignored": self.ignored,
            "kept": self.kept,
            "documents": self.documents,
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
            "seconds_by_stage": {name: round(s, 3) for name, s in self.seconds_by_stage.items()},
        }


@dataclass(slots=True)
class Tally:
    """What an ingest counts while it runs; see `IngestReport`."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: int = 0
    ignored: int = 0
    kept: int = 0
    failed: list[Failure] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the time that the block takes to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def report(self, documents: int, chunks: int, seconds: float) -> IngestReport:
        """What was counted, with the totals of the knowledge base and of the time."""
        return IngestReport(
            added=self.added, updated=self.updated, unchanged=self.unchanged, removed=self.removed,
            failed=tuple(self.failed), skipped=self.skipped, ignored=self.ignored, kept=self.kept,
            documents=documents, chunks=chunks, seconds=seconds, seconds_by_stage=self.seconds,
        )  # fmt: skip


def part_name(doc: str, part: str) -> str:
    """How a part of a file is named to people; the file itself where `part` is empty."""
    return f"{doc}#{part}" if part else doc
