"""What an ingest or a re-index shows while it runs: a bar on a terminal, else a line now and then, on stderr."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kb.terminal import console, is_terminal, say

if TYPE_CHECKING:
    from ingest.report import Progress

_STAGES = {
    "scan": "looking for changes",
    "models": "loading the embedding model",
    "index": "reading",
    "finish": "preparing searches",
}
# The rate is that of this many seconds, so that a slow file is seen and a slow start forgotten.
_RATE_SECONDS = 30.0
# Without a terminal, a line this often.
_LINE_SECONDS = 30.0
# The remaining time is a guess; before this much was done it would be a bad one.
_GUESS_SECONDS, _GUESS_FRACTION = 3.0, 0.02


@contextmanager
def progress_shown(*, show: bool) -> Iterator[Callable[["Progress"], None]]:
    """Gives the function that takes the progress."""
    if not show:
        yield lambda progress: None
    elif is_terminal(sys.stderr):
        with _bar() as tell:
            yield tell
    else:
        yield _Lines().tell


class _Pace:
    """How fast an ingest goes on, and how long it will."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._started: tuple[float, float] | None = None

    def note(self, progress: "Progress") -> None:
        """Takes a progress in the stage of reading."""
        now = time.monotonic()
        self._started = self._started or (now, progress.fraction)
        if not self._marks or progress.chunks != self._marks[-1][1]:
            self._marks.append((now, progress.chunks))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_SECONDS:
            self._marks.popleft()

    def rate(self) -> str:
        """Chunks a second; empty while none is known."""
        if len(self._marks) < 2:
            return ""
        (first, before), (last, chunks) = self._marks[0], self._marks[-1]
        return f"{(chunks - before) / max(last - first, 0.01):.0f} chunks/s"

    def left(self, fraction: float) -> str:
        """The remaining time; empty while it can't be guessed."""
        if self._started is None:
            return ""
        seconds, done = time.monotonic() - self._started[0], fraction - self._started[1]
        if seconds < _GUESS_SECONDS or done < _GUESS_FRACTION:
            return ""
        minutes = round(seconds * (1 - fraction) / done / 60)
        if minutes < 60:
            return f"{minutes} min left" if minutes else "under 1 min left"
        return f"{minutes // 60} h {minutes % 60:02} min left"


@contextmanager
def _bar() -> Iterator[Callable[["Progress"], None]]:
    """Two lines that stay in place: how far it is, and what is being read."""
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    from retrieval.text import one_line

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[far]}"),
    )
    bar, below = Bar(*columns), Text("", overflow="ellipsis", no_wrap=True, style="dim")
    task = bar.add_task(_STAGES["scan"], total=1.0, far="")
    pace, screen = _Pace(), console(sys.stderr)

    def tell(progress: "Progress") -> None:
        parts: list[str] = []
        if progress.stage == "index":
            pace.note(progress)
            parts = [
                f"{progress.fraction:.0%}", f"{progress.files} of {progress.files_total} files", pace.rate(),
                pace.left(progress.fraction),
            ]  # fmt: skip
        bar.update(
            task, description=_STAGES[progress.stage], completed=progress.fraction,
            far=" · ".join(filter(None, parts)),
        )  # fmt: skip
        doc = one_line(progress.doc)
        # Of a long path the end says more.
        below.plain = doc if len(doc) < screen.width else f"…{doc[2 - screen.width :]}"

    with Live(Group(bar, below), console=screen, transient=True, refresh_per_second=4):
        yield tell


class _Lines:
    """Says when something longer begins, and how far it is twice a minute."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._next = time.monotonic() + _LINE_SECONDS
        self._pace = _Pace()

    def tell(self, progress: "Progress") -> None:
        """Takes the progress."""
        if progress.stage in ("models", "finish") and progress.stage not in self._told:
            self._told.add(progress.stage)
            say(_STAGES[progress.stage])
        if progress.stage == "index":
            self._pace.note(progress)
            if time.monotonic() >= self._next:
                self._next = time.monotonic() + _LINE_SECONDS
                parts = (
                    f"{progress.files} of {progress.files_total} files", self._pace.rate(),
                    self._pace.left(progress.fraction), progress.doc,
                )  # fmt: skip
                say(", ".join(filter(None, parts)))
