"""`kb models`: the models on this machine."""

from typing import Annotated

import typer

from kb.options import Json
from kb.terminal import console, print_json

_LIST_EXAMPLES = """\b
Examples:
  kb models list
  kb models list --json"""
_PULL_EXAMPLES = """\b
Examples:
  kb models pull
  kb models pull qwen2.5-coder-0.5b"""
_VERIFY_EXAMPLES = """\b
Examples:
  kb models verify
  kb models verify all-minilm-l6-v2"""

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, epilog=_PULL_EXAMPLES, help="List, fetch and check models.",
)  # fmt: skip

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME...]")]


@app.command("list", epilog=_LIST_EXAMPLES)
def list_models(as_json: Json = False) -> None:
    """List the models that kb knows, and which are here."""
    from rich.table import Table

    from kb.catalogue import CATALOGUE
    from kb.model_store import ModelStore
    from kb.offer import size

    store = ModelStore()
    rows = [
        {
            "name": m.name, "role": m.role, "bytes": m.bytes, "licence": m.licence, "note": m.note,
            "here": store.has(m.name),
        }
        for m in CATALOGUE.values()
    ] + [
        {"name": name, "role": "llm", "bytes": None, "licence": None, "note": "from the hub", "here": True}
        for name in store.extra()
    ]  # fmt: skip
    if as_json:
        print_json({"folder": str(store.folder), "models": rows})
        return
    table = Table("model", "here", "size", "licence", "for", box=None, pad_edge=False)
    for row in rows:
        size_text = size(int(str(row["bytes"]))) if row["bytes"] else ""
        table.add_row(
            str(row["name"]),
            "yes" if row["here"] else "no",
            size_text,
            str(row["licence"] or ""),
            str(row["note"]),
        )
    console().print(table)
    console().print(f"in {store.folder}", soft_wrap=True)


@app.command(epilog=_PULL_EXAMPLES)
def pull(
    names: Names = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch anew what is here, as when verify found damage.")
    ] = False,
) -> None:
    """Fetch models (default: the two that kb needs), checked byte by byte; a stopped fetch goes on where it was."""
    from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
    from kb.model_store import ModelStore
    from kb.offer import pull_with_progress

    store = ModelStore()
    chosen = names or [DEFAULT_EMBEDDER, DEFAULT_LLM]
    for name in chosen:
        store.require_name(name)
    for name in chosen:
        if again:
            store.remove(name)
        elif store.has(name):
            print(f"{name}: here")
            continue
        pull_with_progress(store, name)
        print(f"{name}: fetched and checked")


@app.command(epilog=_VERIFY_EXAMPLES)
def verify(names: Names = None) -> None:
    """Hash models (default: all that are here) against their pins."""
    from kb.catalogue import CATALOGUE
    from kb.model_store import ModelStore

    store = ModelStore()
    chosen = names or [name for name in (*CATALOGUE, *store.extra()) if store.has(name)]
    damaged = False
    for name in chosen:
        problems = store.verify(name)
        damaged = damaged or bool(problems)
        print(f"{name}: {'; '.join(problems) or 'good'}")
        if problems:
            print(f"  to fetch it anew: kb models pull {name} --again")
    if damaged:
        raise typer.Exit(3)
