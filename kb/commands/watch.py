"""`kb ingest --watch`: keeps a knowledge base in step with folders in which files come, change, move and go."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.terminal import console, say
from retrieval.errors import KbError, StoreBusy, UsageError
from retrieval.text import one_line

if TYPE_CHECKING:
    from watchfiles.main import FileChange

    from ingest.report import IngestReport

# Milliseconds. Changes are taken together until none came for the first, at most for the second.
_QUIET, _LONGEST = 300, 5000
# Milliseconds after which the watcher says that nothing has changed.
_BEAT = 1000
# Seconds after which all is looked through though no change was told: shares on other machines tell none.
_ANYWAY = 600
_RETRY_SECONDS = 1.0


def changes(paths: Sequence[Path], base: Path) -> Iterator[None]:
    """Watches folders from now on, also while the caller is at work, and yields when something in them has changed;
    what is in `base`, the knowledge base, does not count. Raises UsageError for a file, and KbError when the system
    can't watch so much."""
    from watchfiles import watch

    for path in paths:
        if not path.is_dir():
            raise UsageError(f"{path} is a file: --watch takes folders, name the one that it is in")
    own = base.resolve()

    def counts(_: object, name: str) -> bool:
        path = Path(name)
        return ".git" not in path.parts and not path.is_relative_to(own)

    beats = watch(
        *(path.resolve() for path in paths), watch_filter=counts, debounce=_LONGEST, step=_QUIET,
        rust_timeout=_BEAT, yield_on_timeout=True, ignore_permission_denied=True,
    )  # fmt: skip
    try:
        first = next(beats)  # from here on every change is seen
    except (OSError, RuntimeError) as error:
        names = ", ".join(map(str, paths))
        raise KbError(
            f"{names} can't be watched ({error}): name fewer folders, or run kb ingest now and then instead"
        ) from error
    return _due(beats, bool(first))


def _due(beats: "Iterator[set[FileChange]]", changed: bool) -> Iterator[None]:
    last = time.monotonic()
    while True:
        if changed or time.monotonic() - last > _ANYWAY:
            yield
            last = time.monotonic()
        changed = bool(next(beats))


def patiently(ingest: "Callable[[], IngestReport]") -> "IngestReport":
    """Runs an ingest as soon as no other process writes; says so when it must wait."""
    told = False
    while True:
        try:
            return ingest()
        except StoreBusy as busy:
            if not told:
                say(f"{busy}; trying again every second")
            told = True
            time.sleep(_RETRY_SECONDS)


def follow(changed: Iterator[None], last: "IngestReport", ingest: "Callable[[], IngestReport]") -> None:
    """Ingests at every change after the one that made the report `last`, and prints a line when that did something.
    Goes on until Ctrl-C."""
    out = console()
    for _ in changed:
        report = patiently(ingest)
        counts = {"added": report.added, "updated": report.updated, "removed": report.removed}
        done = [f"{count} {name}" for name, count in counts.items() if count]
        if report.kept != last.kept:
            done.append(f"{report.kept} kept though gone from disk (--prune removes them)")
        if done:
            line = f"{time.strftime('%H:%M:%S')} {', '.join(done)}; {report.documents} documents"
            out.print(line, soft_wrap=True)
        for failure in report.failed:
            if failure not in last.failed:
                out.print(one_line(f"failed: {failure.doc}: {failure.error}"), soft_wrap=True)
        out.file.flush()
        last = report
