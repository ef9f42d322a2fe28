"""`kb ingest`: brings the knowledge base up to date with files and folders."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.commands.ingest_progress import progress_shown
from kb.options import Json, KbFolder
from kb.terminal import can_ask, console, print_json, say

if TYPE_CHECKING:
    from ingest.report import IngestReport
    from kb.knowledge import KnowledgeBase

_EXAMPLES = """\b
Examples:
  kb ingest ~/notes ~/mail/archive.mbox
  kb ingest ./docs --kb work --watch"""
# More failures than these nobody reads at once.
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("ingest", epilog=_EXAMPLES)(ingest)


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders to read.")],
    folder: KbFolder = None,
    prune: Annotated[
        bool | None,
        typer.Option(
            "--prune/--no-prune",
            help="Remove, or keep, what vanished from disk (default: removed, unless more than half is gone).",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and take in every change of the folders, until Ctrl-C.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read files and folders into the knowledge base; the next time, only what changed.

    Reads notes, wikis and web pages, mail, PDFs, office documents, data and archives. What a .gitignore or .kbignore
    names stays out.
    """
    from ingest.walk import require
    from retrieval.errors import UsageError

    require(paths)
    if watch:
        if dry_run or as_json:
            raise UsageError("--watch goes with neither --dry-run nor --json")
        _watch(paths, folder, prune)
        return
    try:
        report = _run(paths, folder, prune=prune, dry_run=dry_run, show=not as_json)
    except KeyboardInterrupt:
        say("stopped; what was stored is kept, and the same command goes on from there")
        raise
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report, dry_run=dry_run)
    _say_kept(report, prune)
    found = report.added + report.updated + report.unchanged + report.kept
    if not found and not report.failed:
        names = ", ".join(map(str, paths))
        say(f"there is nothing to read in {names} ({report.skipped} files of kinds that kb does not read)")
    if report.failed or not found:
        raise typer.Exit(1)


def _run(
    paths: list[Path], folder: Path | None, *, prune: bool | None, dry_run: bool, show: bool
) -> "IngestReport":
    """One ingest; asks a person whether what has vanished in bulk is to go."""
    with _looked_at(folder) if dry_run else _opened(folder) as kb:
        with progress_shown(show=show) as tell:
            report = kb.ingest(paths, prune=prune, dry_run=dry_run, on_progress=tell)
        if report.kept and prune is None and not dry_run and can_ask():
            vanished = (
                f"{report.kept} documents are no longer on disk or are ignored now, more than half of what was there. "
                "Remove them?"
            )
            if typer.confirm(vanished, err=True):
                with progress_shown(show=show) as tell:
                    report = kb.ingest(paths, prune=True, on_progress=tell)
    return report


def _watch(paths: list[Path], folder: Path | None, prune: bool | None) -> None:
    """An ingest, and another one at every change until Ctrl-C."""
    from kb.commands.watch import changes, follow, patiently

    with _opened(folder) as kb:
        try:
            changed = changes(paths, kb.folder)
            with progress_shown(show=True) as tell:
                report = patiently(lambda: kb.ingest(paths, prune=prune, on_progress=tell))
            print_report(report)
            _say_kept(report, prune)
            say(f"watching {', '.join(map(str, paths))}; Ctrl-C ends it")
            follow(changed, report, lambda: kb.ingest(paths, prune=prune))
        except KeyboardInterrupt:
            say("stopped watching; what was read is kept")


@contextmanager
def _opened(folder: Path | None) -> "Iterator[KnowledgeBase]":
    """The knowledge base to write to, with its embedding model on this machine."""
    from kb.catalogue import DEFAULT_EMBEDDER
    from kb.knowledge import KnowledgeBase
    from kb.offer import offer_missing

    with KnowledgeBase.open(folder, create=True) as kb:
        offer_missing([kb.embedder or DEFAULT_EMBEDDER])
        yield kb


@contextmanager
def _looked_at(folder: Path | None) -> "Iterator[KnowledgeBase]":
    """The knowledge base, or an empty one for the time being where there is none."""
    from kb.knowledge import KnowledgeBase
    from retrieval.errors import StoreMissing

    with ExitStack() as stack:
        try:
            yield stack.enter_context(KnowledgeBase.open(folder))
        except StoreMissing:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            yield stack.enter_context(KnowledgeBase.open(scratch, create=True))


def _say_kept(report: "IngestReport", prune: bool | None) -> None:
    if report.kept and prune is None:
        say(
            f"{report.kept} documents are no longer on disk or are ignored now, more than half of what was there; "
            "they were kept. If they are really to go, run it again with --prune"
        )


def print_report(report: "IngestReport", *, dry_run: bool = False) -> None:
    """What was done on stdout: documents, totals, time, and what could not be read."""
    from retrieval.text import one_line

    counts = {
        "added": report.added, "updated": report.updated, "removed": report.removed, "unchanged": report.unchanged,
        "failed": len(report.failed),
    }  # fmt: skip
    would = "would be " if dry_run else ""
    done = [
        f"{count:,} {would if name in ('added', 'updated', 'removed') else ''}{name}"
        for name, count in counts.items()
        if count
    ]
    stages = sorted(report.seconds_by_stage.items(), key=lambda stage: -stage[1])
    took = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages[:4] if seconds >= 0.05)
    left_out = [
        f"{report.ignored} ignored (.gitignore, .kbignore)" if report.ignored else "",
        f"{report.skipped} of kinds that kb does not read" if report.skipped else "",
    ]
    lines = [
        ", ".join(done) or "nothing to read",
        f"{report.documents:,} documents, {report.chunks:,} chunks in all; {report.seconds:.1f} s"
        + (f" ({took})" if took else ""),
    ]
    if any(left_out):
        lines.append(f"left out: {', '.join(filter(None, left_out))}")
    lines += [f"failed: {failure.doc}: {failure.error}" for failure in report.failed[:_SHOWN]]
    if len(report.failed) > _SHOWN:
        lines.append(f"... and {len(report.failed) - _SHOWN} more that failed: kb status lists them")
    out = console()
    for line in lines:
        out.print(one_line(line), soft_wrap=True)
