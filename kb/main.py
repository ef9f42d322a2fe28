"""The `kb` command: one small file a group of commands, and one place where errors become sentences.

Exit codes: 0 done; 1 done in part, or no answer; 2 wrong usage; 3 the store or a model is missing or unusable;
130 stopped with Ctrl-C. Nothing heavy is imported before a command needs it.
"""

import os
import sys
import traceback
from typing import Annotated

import typer

from kb import __version__
from kb.commands import (
    ask,
    chat,
    config,
    doctor,
    history,
    ingest,
    init,
    manage,
    mcp,
    models,
    search,
    serve,
    show,
)
from kb.commands import eval as evaluation
from retrieval.errors import KbError, UsageError
from retrieval.text import one_line

USAGE, UNUSABLE = 2, 3

app = typer.Typer(
    name="kb", no_args_is_help=True, add_completion=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="A private knowledge assistant: cited answers from your wiki, mail and PDFs, on your own machine.",
    epilog="\b\nBegin with:\n  kb ingest ./docs\n  kb ask \"what was the Q3 decision\"",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _version(asked: bool) -> None:
    if asked:
        print(f"kb {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Takes the options that stand before the command."""
    from kb.settings import settings

    if debug:
        os.environ["KB_DEBUG"] = "1"
    if settings().color == "never":
        os.environ["NO_COLOR"] = "1"


for _group in (ingest, ask, search, chat, show, manage, init, doctor, evaluation, serve, mcp):
    _group.register(app)
app.add_typer(models.app, name="models")
app.add_typer(history.app, name="history")
app.add_typer(config.app, name="config")


def main() -> None:
    """Runs the command line and exits."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what the terminal can't show becomes a question mark
            stream.reconfigure(errors="replace")
    code: int | str | None
    try:
        app(prog_name="kb")
        code = 0
    except SystemExit as stop:
        code = stop.code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 1
    except Exception as error:  # noqa: BLE001  (the last resort: a sentence instead of a traceback)
        if os.environ.get("KB_DEBUG"):
            traceback.print_exc()
        print(f"kb: {one_line(sentence(error))}", file=sys.stderr)
        code = USAGE if isinstance(error, UsageError) else UNUSABLE
    sys.exit(_flushed(code))


def sentence(error: Exception) -> str:
    """What to tell a person about an error."""
    if isinstance(error, KbError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; free some space or check the permissions, then try again"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; close other programs or use a smaller model"
    if type(error).__module__ == "sqlite3":
        return (
            f"the knowledge base can't be read or written ({error}); free some space or check its permissions, "
            "then run the same command again"
        )
    return f"something went wrong that should not ({type(error).__name__}: {error}); KB_DEBUG=1 shows where"


def _flushed(code: int | str | None) -> int | str | None:
    """Writes out what is buffered; a reader that has gone (`kb list | head`) is no reason for a complaint."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or 1
    except OSError as error:
        print(f"kb: the output can't be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or UNUSABLE
    return code


if __name__ == "__main__":
    main()
