"""`kb init`: makes an empty knowledge base, by name or for the folder one stands in."""

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """\b
Examples:
  kb init work && kb ingest ~/work --kb work
  kb init --here && kb ingest ."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("init", epilog=_EXAMPLES)(init)


def init(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="What --kb is to call it.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="In .kb in this folder: what is run in it or below uses that.")
    ] = False,
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="URL",
            help="Publish to, and search in, an index that machines share: a Milvus server's URL, or a .db file.",
        ),
    ] = None,
) -> None:
    """Make an empty knowledge base (default: the user's own, which kb ingest also makes)."""
    from kb.bases import HERE, default_folder, named_folder
    from kb.knowledge import KnowledgeBase
    from kb.shared import join
    from kb.terminal import console
    from retrieval.errors import UsageError
    from retrieval.store import DATABASE
    from retrieval.text import one_line

    if name and here:
        raise UsageError("a knowledge base has a name or lies here: give NAME or --here")
    folder = Path.cwd() / HERE if here else named_folder(name) if name else default_folder()
    there = (folder / DATABASE).exists()
    with KnowledgeBase.open(folder, create=True):
        if index:
            join(folder, index)
    option = f" --kb {name}" if name else ""
    done = "is there already" if there else "is made"
    console().print(one_line(f"{folder} {done}: fill it with kb ingest PATH{option}"), soft_wrap=True)
