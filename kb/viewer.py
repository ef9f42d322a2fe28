"""The file that a source was read from: in the person's editor at the quote, or in the system's viewer at the page."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from retrieval.errors import UsageError

# Bytes; a larger file is opened at its beginning.
_MOST = 16 * 1024 * 1024
# Bytes in which a file that is no text has a zero.
_BEGINNING = 8192
_EDITORS = ("nano", "vim", "vi", "emacs")
# What comes before `file:line` in editors that want it so; all others are given +LINE.
_FILE_AND_LINE = {"code": ("--goto",), "codium": ("--goto",), "subl": (), "zed": (), "hx": ()}
# Viewers of PDF files that can be told the page, counted from 1.
_PAGED = (
    "evince --page-index={page} {file}", "okular --page={page} {file}", "zathura --page={page} {file}",
    "mupdf {file} {page}",
)  # fmt: skip
_SYSTEM = {"darwin": "open", "linux": "xdg-open"}
# What a viewer shows and does not run, as a browser would a web page.
_SHOWN = frozenset(
    (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")
)
# So many words of a quote, standing together in a file, tell its line. Several runs are looked for: the first may hold
# markup in the file.
_WORDS, _TRIED = 6, 24


def edit(file: Path, quote: str) -> None:
    """Opens the file in $VISUAL or $EDITOR, at the line where the quote stands. Raises UsageError when there is no
    such program, no such file any more, or no text in it."""
    _require(file)
    with file.open("rb") as stream:
        if b"\0" in stream.read(_BEGINNING):
            raise UsageError(f"{file} is no text file: /open N shows what was read from it, /view N the file")
    _run(editor_command(file, line_of(file, quote)))


def view(file: Path, page: int | None) -> None:
    """Opens the file in the system's viewer, a PDF at the page (from 1) where the viewer takes one, and does not wait.
    Raises UsageError for a file that a viewer might run, and when there is no viewer."""
    _require(file)
    if file.suffix.lower() not in _SHOWN:
        raise UsageError(f"{file} is no PDF, picture or office document: /edit N opens it in your editor")
    _run(viewer_command(file, page), wait=False)


def line_of(file: Path, quote: str) -> int:
    """The line (from 1) on which a quote begins; 1 where the file does not say it in these words, as a PDF."""
    if file.stat().st_size > _MOST:
        return 1
    text = file.read_bytes().decode("utf-8", "replace")
    words = quote.split()
    for first in range(min(_TRIED, max(1, len(words) - _WORDS + 1))):
        found = re.search(r"\s+".join(map(re.escape, words[first : first + _WORDS])), text)
        if found:
            return text.count("\n", 0, found.start()) + 1
    return 1


def editor_command(file: Path, line: int) -> list[str]:
    """The command that opens a file at a line. Raises UsageError when there is no editor."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = shlex.split(named)
    except ValueError as error:
        raise UsageError(f"$EDITOR can't be read ({error}): set it to the name of a program") from error
    command = command or [name for name in _EDITORS if shutil.which(name)][:1]
    if not command:
        raise UsageError("there is no editor here: set EDITOR to the name of one, or use /open")
    before = _FILE_AND_LINE.get(Path(command[0]).name)
    return [*command, *before, f"{file}:{line}"] if before is not None else [*command, f"+{line}", str(file)]


def viewer_command(file: Path, page: int | None) -> list[str]:
    """The command that shows a file. Raises UsageError when there is none."""
    if file.suffix.lower() == ".pdf" and page is not None:
        for command in map(str.split, _PAGED):
            if shutil.which(command[0]):
                return [word.format(page=page, file=file) for word in command]
    system = _SYSTEM.get(sys.platform, "start")
    if shutil.which(system) is None:
        raise UsageError(f"there is no viewer here ({system}): the file is {file}")
    return [system, str(file)]


def _require(file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"the file {file} is gone: /open N shows what was read from it")


def _run(command: Sequence[str], *, wait: bool = True) -> None:
    try:
        if wait:
            subprocess.run(command, check=False)
        else:
            quiet = subprocess.DEVNULL
            subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    except OSError as error:
        raise UsageError(
            f"{command[0]} can't be run ({error.strerror}): /open N shows what was read"
        ) from error
