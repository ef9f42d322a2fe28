"""`kb search`: retrieval only; no language model, no torch."""

import sys
from typing import Annotated

import typer

from kb.options import After, Before, Json, KbFolder, Kinds, Sender, Source, filters_from
from kb.terminal import console, print_json, say, width

_EXAMPLES = """\b
Examples:
  kb search "radio modules late" --kind mail
  kb search "decisions of the product council in July" --k 5 --explain"""
# Passages that are shown when nobody says how many.
_HITS = 10


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("search", epilog=_EXAMPLES)(search)


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    folder: KbFolder = None,
    k: Annotated[int | None, typer.Option("--k", min=1, max=1000, help="How many passages.")] = None,
    kinds: Kinds = None,
    sender: Sender = None,
    after: After = None,
    before: Before = None,
    source: Source = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Show what the query was read to say, and what each score is made of."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find passages by words and meaning, without asking a language model."""
    from kb.knowledge import KnowledgeBase
    from kb.render import evidence_line, hit_lines, understood_line
    from kb.settings import settings

    filters = filters_from(kinds, sender, after, before, source)
    with KnowledgeBase.open(folder) as kb:
        found = kb.search(query, k=k or settings().k or _HITS, filters=filters)
    if as_json:
        print_json(found.to_json(explain=explain))
    elif found.hits:
        out = console()
        if explain:
            out.print(understood_line(found.understood), style="dim", soft_wrap=True)
        for hit in found.hits:
            first, *rest = hit_lines(hit, width(sys.stdout))
            out.print(first, style="bold", soft_wrap=True)
            out.print("\n".join(rest), soft_wrap=True)
            if explain:
                out.print(evidence_line(hit), style="dim", soft_wrap=True)
    else:
        say("nothing found" + (" under these filters" if filters else ""))
    if not found.hits:
        raise typer.Exit(1)
