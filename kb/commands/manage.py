"""`kb list`, `kb status`, `kb rm` and `kb reindex`: what is in the knowledge base."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from kb.options import After, Before, Json, KbFolder, Kinds, Sender, Source, filters_from
from kb.terminal import can_show, console, print_json, say, width

_LIST_EXAMPLES = """\b
Examples:
  kb list --kind pdf --after 2025
  kb list --bases"""
_STATUS_EXAMPLES = """\b
Examples:
  kb status --kb work
  kb status --json"""
_REMOVE_EXAMPLES = """\b
Examples:
  kb rm 8d0d0d24c3c4
  kb rm ~/mail/archive.mbox"""
_REINDEX_EXAMPLES = """\b
Examples:
  kb reindex
  kb reindex --embedder ~/models/my-sentence-transformer"""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("list", epilog=_LIST_EXAMPLES)(list_documents)
    app.command("status", epilog=_STATUS_EXAMPLES)(status)
    app.command("rm", epilog=_REMOVE_EXAMPLES)(remove)
    app.command("reindex", epilog=_REINDEX_EXAMPLES)(reindex)


def list_documents(
    folder: KbFolder = None,
    kinds: Kinds = None,
    sender: Sender = None,
    after: After = None,
    before: Before = None,
    source: Source = None,
    bases: Annotated[bool, typer.Option("--bases", help="List the named knowledge bases instead.")] = False,
    as_json: Json = False,
) -> None:
    """List the documents."""
    if bases:
        _list_bases(as_json)
        return
    from kb.knowledge import KnowledgeBase
    from retrieval.text import one_line

    filters = filters_from(kinds, sender, after, before, source)
    with KnowledgeBase.open(folder) as kb:
        documents = kb.list(filters)
    if as_json:
        print_json({"documents": [document.to_json() for document in documents]})
        return
    out = console()
    for document in documents:
        info = document.info
        where = one_line(info.doc if not info.part else f"{info.doc} ({info.author or info.part})")
        when = (info.date or "")[:10]
        out.print(f"{document.ref}  {info.kind:<4}  {when:<10}  {info.title}  {where}", soft_wrap=True)
    if not documents:
        say(
            "no document"
            + (" meets these filters" if filters else " has been ingested yet: run kb ingest PATH")
        )


def _list_bases(as_json: bool) -> None:
    from kb.bases import bases_folder, named

    names = named()
    if as_json:
        print_json({"folder": str(bases_folder()), "bases": names})
        return
    for name in names:
        console().print(name, soft_wrap=True)
    if not names:
        say("there is no named knowledge base yet: make one with kb init NAME")


def status(folder: KbFolder = None, as_json: Json = False) -> None:
    """Say what the knowledge base holds, how fresh it is, and what it works with."""
    from kb.dashboard import dashboard
    from kb.knowledge import KnowledgeBase
    from kb.settings import settings

    with KnowledgeBase.open(folder) as kb:
        found = kb.status(settings().model)
    if as_json:
        print_json(found.to_json())
        return
    out, block = console(), "▇" if can_show("▇", sys.stdout) else "#"
    for line, style in dashboard(found, datetime.now(UTC), width(sys.stdout), block):
        out.print(line, style=style, soft_wrap=True)


def remove(
    refs: Annotated[
        list[str], typer.Argument(metavar="REF...", help="A document's ref, or the path of a file or folder.")
    ],
    folder: KbFolder = None,
    as_json: Json = False,
) -> None:
    """Forget documents; the files on disk stay, and the next ingest of their folder reads them in again."""
    from kb.knowledge import KnowledgeBase

    with KnowledgeBase.open(folder) as kb:
        removed = kb.remove(*refs)
    if as_json:
        print_json({"removed": removed})
    else:
        print(f"{removed} {'document' if removed == 1 else 'documents'} removed")


def reindex(
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder", metavar="NAME", help="A model of kb models list, or a sentence-transformers folder."
        ),
    ] = None,
    folder: KbFolder = None,
    as_json: Json = False,
) -> None:
    """Embed all documents anew from their stored text, also with another model."""
    from kb.catalogue import DEFAULT_EMBEDDER
    from kb.commands.ingest_progress import progress_shown
    from kb.knowledge import KnowledgeBase
    from kb.offer import offer_missing

    with KnowledgeBase.open(folder) as kb:
        offer_missing([embedder or kb.embedder or DEFAULT_EMBEDDER])
        with progress_shown(show=not as_json) as tell:
            chunks = kb.reindex(embedder, on_progress=tell)
        if as_json:
            print_json({"chunks": chunks, "embedder": kb.embedder})
        else:
            print(f"{chunks} chunks embedded with {kb.embedder}")
