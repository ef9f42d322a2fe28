"""`kb ingest`: brings the knowledge base up to date with files and folders."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.options import Json, KbFolder
from kb.terminal import can_ask, console, is_terminal, print_json, say

if TYPE_CHECKING:
    from ingest.report import IngestReport, Progress

_EXAMPLES = """\b
Examples:
  kb ingest ~/notes ~/mail/archive.mbox
  kb ingest ./docs --kb work --dry-run"""
_STAGES = {
    "scan": "looking for changes",
    "models": "loading the embedding model",
    "finish": "preparing searches",
}


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
    as_json: Json = False,
) -> None:
    """Read files and folders into the knowledge base; the next time, only what changed.

    Reads Markdown, text, HTML, PDF, .eml, .mbox and Maildir. Files named in a .gitignore or .kbignore stay out.
    """
    from ingest.walk import require
    from kb.catalogue import DEFAULT_EMBEDDER
    from kb.knowledge import KnowledgeBase
    from kb.offer import offer_missing
    from retrieval.errors import StoreMissing

    require(paths)
    with ExitStack() as stack:
        try:
            kb = stack.enter_context(KnowledgeBase.open(folder, create=not dry_run))
        except StoreMissing:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            kb = stack.enter_context(KnowledgeBase.open(scratch, create=True))
        if not dry_run:
            offer_missing([kb.embedder or DEFAULT_EMBEDDER])
        with progress_bar(show=not as_json) as tell:
            report = kb.ingest(paths, prune=prune, dry_run=dry_run, on_progress=tell)
        if report.kept and prune is None and not dry_run and can_ask():
            vanished = (
                f"{report.kept} documents are no longer on disk or are ignored now, more than half of what was there. "
                "Remove them?"
            )
            if typer.confirm(vanished, err=True):
                with progress_bar(show=not as_json) as tell:
                    report = kb.ingest(paths, prune=True, on_progress=tell)
        if as_json:
            print_json(report.to_json())
        else:
            print_report(report, dry_run=dry_run)
        if report.kept and prune is None:
            say(
                f"{report.kept} documents are no longer on disk or are ignored now, more than half of what was there; "
                "they were kept. If they are really to go, run it again with --prune"
            )
        found = report.added + report.updated + report.unchanged + report.kept
        if not found and not report.failed:
            names = ", ".join(map(str, paths))
            say(
                f"there is nothing to read in {names} ({report.skipped} files of kinds that kb does not read)"
            )
        if report.failed or not found:
            raise typer.Exit(1)


@contextmanager
def progress_bar(*, show: bool) -> Iterator[Callable[["Progress"], None]]:
    """A bar on stderr with rate and remaining time; on no terminal, a line when something longer begins."""
    if not show or not is_terminal(sys.stderr):
        yield _lines() if show else (lambda progress: None)
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from retrieval.text import one_line

    columns = (
        TextColumn("{task.fields[stage]}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=1.0, stage=_STAGES["scan"], rate="")

        def tell(progress: "Progress") -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{progress.chunks / elapsed:.0f} chunks/s" if progress.chunks and elapsed else ""
            doc = one_line(progress.doc)
            stage = _STAGES.get(progress.stage) or f"…{doc[-31:]}" if len(doc) > 32 else doc
            bar.update(
                task,
                completed=progress.fraction,
                stage=_STAGES.get(progress.stage, stage).ljust(32),
                rate=rate,
            )

        yield tell


def _lines() -> Callable[["Progress"], None]:
    told = set()

    def tell(progress: "Progress") -> None:
        if progress.stage in ("models", "finish") and progress.stage not in told:
            told.add(progress.stage)
            say(_STAGES[progress.stage])

    return tell


def print_report(report: "IngestReport", *, dry_run: bool = False) -> None:
    """The closing table on stdout, and why files failed."""
    from rich.table import Table

    from retrieval.text import one_line

    out = console()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    counts = {
        "added": report.added, "updated": report.updated, "unchanged": report.unchanged, "removed": report.removed,
        "failed": len(report.failed),
    }  # fmt: skip
    for name in counts:
        table.add_column(
            f"would be {name}" if dry_run and name in ("added", "updated") else name, justify="right"
        )
    table.add_row(*(str(count) for count in counts.values()))
    out.print(table)
    if report.ignored:
        out.print(f"{report.ignored} files and folders ignored (.gitignore, .kbignore)")
    stages = ", ".join(f"{name} {s:.1f}" for name, s in report.seconds_by_stage.items() if s >= 0.05)
    total = f"{report.documents} documents, {report.chunks} chunks; {report.seconds:.1f} s"
    out.print(f"{total} ({stages})" if stages else total, soft_wrap=True)
    for failure in report.failed:
        out.print(one_line(f"failed: {failure.doc}: {failure.error}"), soft_wrap=True)
