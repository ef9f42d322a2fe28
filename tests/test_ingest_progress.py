"""What an ingest says while it runs and when it is done: calm, short, and nothing of it on stdout that is no result."""

import pytest

from ingest.report import Failure, IngestReport, Progress
from kb.commands import ingest, ingest_progress
from kb.commands.ingest_progress import progress_shown


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the display believes to have gone by."""
    now = [0.0]
    monkeypatch.setattr(ingest_progress.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_a_line_now_and_then_says_how_far_it_is(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """A log of a night's ingest must be neither empty nor a line for each of a million chunks."""
    with progress_shown(show=True) as tell:
        tell(Progress("scan", "docs"))
        for _ in range(3):
            tell(Progress("models"))
        for second in range(1, 601):
            clock[0] = float(second)
            tell(Progress("index", f"docs/{second}.pdf", second / 6000, 40 * second, second, 6000))
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 21
    assert lines[0] == "kb: loading the embedding model"
    assert lines[-1] == "kb: 600 of 6000 files, 40 chunks/s, 1 h 30 min left, docs/600.pdf"


def test_the_rate_is_that_of_now(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees that a file is slow, and not the average of the whole night."""
    with progress_shown(show=True) as tell:
        for second in range(1, 121):
            clock[0] = float(second)
            chunks = 100 * min(second, 60) + max(0, second - 60)
            tell(Progress("index", "a.mbox", second / 1000, chunks, 0, 1))
    lines = capsys.readouterr().err.splitlines()
    assert ", 100 chunks/s," in lines[0] and ", 1 chunks/s," in lines[-1]


def test_nothing_is_shown_where_nobody_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown(show=False) as tell:
        tell(Progress("models"))
    assert capsys.readouterr() == ("", "")


def test_a_summary_names_what_counts_first_and_not_a_thousand_failures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = tuple(Failure(f"docs/{n}.pdf", "it is encrypted") for n in range(300))
    report = IngestReport(
        added=1200, removed=2, failed=failed, skipped=7, ignored=1, documents=1400, chunks=9000, seconds=61.26,
        seconds_by_stage={"read": 1.0, "embed": 55.04, "scan": 0.01},
    )  # fmt: skip
    ingest.print_report(report, dry_run=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "1,200 added, 2 removed, 300 failed",
        "1,400 documents, 9,000 chunks in all; 61.3 s (embed 55.0, read 1.0)",
        "left out: 1 ignored (.gitignore, .kbignore), 7 of kinds that kb does not read",
    ]
    assert lines[3] == "failed: docs/0.pdf: it is encrypted"
    assert lines[-1] == "... and 280 more that failed: kb status lists them"
    assert len(lines) == 24
