"""A document in the person's pager, opened at the quote."""

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from kb.terminal import is_terminal
from retrieval.errors import UsageError

if TYPE_CHECKING:
    from kb.reports import Shown

# Programs that take the line to begin at as +N.
_TAKE_LINE = ("less", "more", "most", "view", "vim", "nvim", "vi", "nano")
_READ_STDIN_AS = {"view": "-", "vim": "-", "nvim": "-", "vi": "-", "nano": "-"}


def page(shown: "Shown") -> None:
    """Shows the whole document in $PAGER (default: less, or more) at the line of the span; on no terminal only the
    span in its surroundings. Raises UsageError when there is no such program."""
    from kb.commands.show import print_shown

    if not is_terminal(sys.stdout):
        print_shown(shown)
        return
    command = pager_command(shown.text[: shown.start].count("\n") + 1)
    # The pager must not run what a document could ask it to.
    environment = os.environ | {"LESSSECURE": "1"}
    try:
        subprocess.run(command, input=shown.text.encode(), env=environment, check=False)
    except OSError as error:
        raise UsageError(
            f"$PAGER: {command[0]} can't be run ({error.strerror}): set PAGER to another"
        ) from error


def pager_command(line: int) -> list[str]:
    """The command that pages its standard input from that line on. Raises UsageError when there is none."""
    try:
        command = shlex.split(os.environ.get("PAGER", ""))
    except ValueError as error:
        raise UsageError(f"$PAGER can't be read ({error}): set PAGER to the name of a program") from error
    command = command or [name for name in ("less", "more") if shutil.which(name)][:1]
    if not command:
        raise UsageError("there is no pager here: set PAGER to the name of one, or use /show")
    program = os.path.basename(command[0])  # noqa: PTH119  (a name, not a path of ours)
    if program in _TAKE_LINE:
        command.append(f"+{line}")
    if program in _READ_STDIN_AS:
        command.append(_READ_STDIN_AS[program])
    return command
