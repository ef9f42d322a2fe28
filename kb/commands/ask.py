"""`kb ask`: a short answer with citations, or an honest no."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.options import After, Before, Json, KbFolder, Kinds, ModelName, Sender, Source, filters_from
from kb.terminal import console, is_terminal, print_json, width
from retrieval.errors import UsageError

if TYPE_CHECKING:
    from generation.types import Answer, Event
    from retrieval.types import Filters

_EXAMPLES = """\b
Examples:
  kb ask "what was the Q3 decision" --kind mail --after 2025-07
  kb ask --quiet - < question.txt"""
# Passages that are named while the model reads.
_NAMED = 5
# Characters; a longer text on stdin is a document that went the wrong way, and no model here would read it.
_MAX_QUESTION = 4000


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("ask", epilog=_EXAMPLES)(ask)


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes; - reads it from stdin.")],
    folder: KbFolder = None,
    k: Annotated[int | None, typer.Option("--k", min=1, max=100, help="Passages to answer from.")] = None,
    kinds: Kinds = None,
    sender: Sender = None,
    after: After = None,
    before: Before = None,
    source: Source = None,
    long: Annotated[bool, typer.Option("--long", help="Answer at more length.")] = False,
    model: ModelName = None,
    show_sources: Annotated[
        bool, typer.Option("--show-sources", help="Show all passages that were found, in full.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the answer's text only.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a question from the documents, in a sentence or two, each with a citation to check."""
    from generation.types import Answer
    from kb.render import answer_text, marked_text
    from kb.settings import settings

    filters = filters_from(kinds, sender, after, before, source)
    question = _from_stdin() if question == "-" else question
    with ExitStack() as stack:
        events = _events(stack, folder, question, k or settings().k, filters, long, model)
        if as_json or quiet:
            answer = next(event for event in events if isinstance(event, Answer))
            if as_json:
                print_json(answer.to_json())
            else:
                print(answer_text(marked_text(answer), width(sys.stdout)))
        else:
            answer = follow(events, show_sources=show_sources)
    if answer.status == "not_found":
        raise typer.Exit(1)


def _events(
    stack: ExitStack,
    folder: Path | None,
    question: str,
    k: int | None,
    filters: "Filters",
    long: bool,
    model: str | None,
) -> "Iterator[Event]":
    """The events of the answer: from a server of the same knowledge base, whose models are loaded already, else made
    here."""
    from kb.bases import default_folder
    from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
    from kb.server.client import ask_server

    events = ask_server(
        folder or default_folder(), question, k=k, filters=filters, long=long, model=model or DEFAULT_LLM
    )
    if events is None:
        from kb.knowledge import KnowledgeBase
        from kb.offer import offer_missing

        kb = stack.enter_context(KnowledgeBase.open(folder))
        offer_missing([kb.embedder or DEFAULT_EMBEDDER, model or DEFAULT_LLM])
        events = kb.ask_stream(question, k=k, filters=filters, long=long, model=model)
    return stack.enter_context(closing(events))


def _from_stdin() -> str:
    """The question that is piped in. Raises UsageError when it is too long to be one."""
    question = sys.stdin.read(_MAX_QUESTION + 1)
    if len(question) > _MAX_QUESTION:
        raise UsageError(f"the question on stdin has more than {_MAX_QUESTION} characters: ask a shorter one")
    return question.strip()


def follow(events: "Iterator[Event]", *, show_sources: bool = False) -> "Answer":
    """Shows an answer as it comes into being: the passages at once, the draft word by word while it is made, then the
    checked answer in its place, and its sources. What is on its way goes to stderr, what stays to stdout."""
    from rich.live import Live
    from rich.text import Text

    from generation.types import Answer, Retrieved, Token
    from kb.render import passage_lines

    err = console(sys.stderr)
    live = Live(console=err, transient=True, auto_refresh=False) if is_terminal(sys.stderr) else None
    draft = ""
    answer: Answer | None = None
    try:
        for event in events:
            if isinstance(event, Retrieved):
                if live is not None:
                    live.stop()
                if event.hits:
                    also = f", after a look for {', '.join(event.looked_for)} too" if event.looked_for else ""
                    err.print(f"Reading{also}", style="dim")
                    lines = passage_lines(event.hits[:_NAMED], width(sys.stderr))
                    err.print("\n".join(lines), style="dim", soft_wrap=True)
                if live is not None:
                    live.start()
                    live.update(Text("…", style="dim"), refresh=True)
            elif isinstance(event, Token):
                draft += event.text
                if live is not None:
                    live.update(Text(draft, style="italic dim"), refresh=True)
            else:
                answer = event
    finally:
        if live is not None:
            live.stop()
    assert answer is not None
    print_answer(answer, show_sources=show_sources)
    return answer


def print_answer(answer: "Answer", *, show_sources: bool = False) -> None:
    """The checked answer on stdout, then what it rests on."""
    from kb.render import answer_text, exchange_of, hit_lines, source_lines

    out, columns = console(), width(sys.stdout)
    shown = exchange_of(answer)
    if is_terminal(sys.stderr):
        out.print()
    out.print(answer_text(shown.answer, columns), style="bold", soft_wrap=True)
    if shown.sources:
        out.print("\nSources", style="bold")
        for source in shown.sources:
            first, *rest = source_lines(source, columns, shown.answer)
            out.print(first, soft_wrap=True)
            out.print("\n".join(rest), style="dim", soft_wrap=True)
    elif answer.hits and not show_sources:
        out.print("\nNearest passages", style="bold")
        for hit in answer.hits[:2]:
            out.print("\n".join(hit_lines(hit, columns)), style="dim", soft_wrap=True)
    if show_sources:
        out.print("\nPassages", style="bold")
        for hit in answer.hits:
            out.print(hit_lines(hit, columns)[0], soft_wrap=True)
            out.print(hit.text, style="dim", soft_wrap=True)
            out.print(f"kb show {hit.ref}\n", soft_wrap=True)
