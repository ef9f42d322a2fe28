"""What an ingest says while it runs and when it is done."""

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
