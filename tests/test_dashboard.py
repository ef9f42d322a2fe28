"""`kb status` says on one screen what is there, in any window and any encoding."""

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers import kb, kb_json

from ingest.report import Failure
from kb.dashboard import age, dashboard
from kb.reports import BaseStatus

NOW = datetime(2025, 10, 1, 12, tzinfo=UTC)
STATUS = BaseStatus(
    folder=Path("/home/dana/notes"), documents=60, chunks=200, by_kind={"mail": 40, "wiki": 20},
    by_month={"": 3, "2019-01": 7, "2025-07": 40, "2025-09": 10}, embedder="all-minilm-l6-v2", dimensions=384,
    bytes_on_disk=2_000_000, oldest="2019-01-03", newest="2025-09-30", last_ingest="2025-09-29T12:00:00+00:00",
    llm="qwen2.5-coder-1.5b", llm_present=False, embedder_present=True,
    failed=tuple(Failure(f"docs/{n}.pdf", "damaged") for n in range(30)), roots=("/home/dana/docs",),
)  # fmt: skip


def lines(columns: int | None = 100, block: str = "▇", status: BaseStatus = STATUS) -> list[str]:
    return [line for line, _ in dashboard(status, NOW, columns, block)]


def test_how_much_of_what_and_how_fresh() -> None:
    shown = lines()
    assert "60 documents · 200 chunks · 2 MB" in shown
    assert "last ingest 2 days ago" in shown
    mail, wiki = (next(line for line in shown if line.startswith(kind)) for kind in ("mail", "wiki"))
    assert mail.count("▇") == 2 * wiki.count("▇") > 0


def test_months_without_a_document_are_shown_and_old_ones_together() -> None:
    """A gap is what a person looks for: the mailbox that was not exported in August."""
    shown = lines()
    assert "2025-08   0" in shown and "3 without a date" in shown
    assert any(line.startswith("earlier   7  ▇") for line in shown)
    assert not any(line.startswith("2019") or line.startswith("2025-06") for line in shown)


def test_it_fits_on_a_screen_whatever_went_wrong() -> None:
    shown = lines()
    assert len(shown) < 50
    assert "Unreadable: 30" in shown and "and 20 more: kb status --json names all" in shown
    assert any("kb models pull qwen2.5-coder-1.5b" in line for line in shown)


def test_a_narrow_window_cuts_the_bars_and_not_the_figures() -> None:
    assert all(len(line) <= 40 for line in lines(40) if "▇" in line)
    assert "mail  40  " in next(line for line in lines(40) if line.startswith("mail"))


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=20), "just now"), (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"), (timedelta(days=400), "400 days ago"), (-timedelta(days=1), "just now"),
    ],
)  # fmt: skip
def test_an_age_is_told_in_the_unit_that_fits(ago: timedelta, said: str) -> None:
    assert age(NOW - ago, NOW) == said


def test_an_ascii_terminal_gets_bars_that_it_can_show(world: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C"}
    shown = kb("status", "--kb", world / "base", environment=ascii_only)
    assert shown.returncode == 0 and "#####" in shown.stdout and "▇" not in shown.stdout


def test_documents_by_month_are_in_the_json(world: Path) -> None:
    assert kb_json("status", "--kb", world / "base")["by_month"] == {"2025-03": 2}


@pytest.mark.parametrize("command", ["status", "doctor", "config show", "list", "--help"])
def test_no_color_is_heeded_on_a_terminal(world: Path, command: str) -> None:
    """Some terminals show an escape sequence as rubbish, and some people want none: https://no-color.org"""
    master, slave = pty.openpty()
    environment = os.environ | {"NO_COLOR": "1", "TERM": "xterm-256color", "KB_HOME": str(world / "base")}
    done = subprocess.run(
        [sys.executable, "-m", "kb.main", *command.split()], stdout=slave, stdin=slave, stderr=slave,
        env=environment, timeout=120, check=False,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert done.returncode in (0, 1) and shown
    assert b"\x1b[" not in shown
