"""Where output goes: results to stdout, progress and warnings to stderr, and what each of them can show."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

# Longer lines of prose are hard to read, however wide the window is.
MAX_WIDTH = 100


def console(stream: TextIO | None = None) -> "Console":
    """A console on `stream` (default: stdout). It never reads markup in what it prints, and has no styles
    unless `styled(stream)`."""
    from rich.console import Console

    stream = stream or sys.stdout
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        color_system="auto" if styled(stream) else None,
    )


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at `stream` on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def styled(stream: TextIO) -> bool:
    """Whether colours and spinners may be shown (see https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def can_show(text: str, stream: TextIO) -> bool:
    """Whether the encoding of `stream` has these characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def can_ask() -> bool:
    """Whether there is a person to answer a question on stderr."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def width(stream: TextIO) -> int | None:
    """The columns to wrap text to; None when nobody looks at it and lines stay whole."""
    if not stream.isatty():
        return None
    return min(console(stream).width, MAX_WIDTH)


def print_json(value: dict[str, Any]) -> None:
    """Prints the one object of a `--json` run. Escapes what the output's encoding may not have and what acts on a
    terminal, so that quotes and the names of files stay exact."""
    from retrieval.text import escaped

    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(escaped(json.dumps(value, ensure_ascii=not utf8, indent=2)) + "\n")


def say(sentence: str) -> None:
    """A note for the person on stderr."""
    from retrieval.text import one_line

    print(f"kb: {one_line(sentence)}", file=sys.stderr, flush=True)
