"""`kb chat`: a conversation in the terminal."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from kb.options import After, Before, KbFolder, Kinds, ModelName, Sender, Source, filters_from
from kb.terminal import can_ask, console, say

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase
    from kb.session import ChatSession

_HELP = """\
/sources   the sources of the last answer, and the passages that it was made from
/show N    source N in its document
/new       forget what was said
/quit      leave (also Ctrl-D)
Anything else is a question. Ctrl-C stops an answer."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("chat")(chat)


def chat(
    folder: KbFolder = None,
    kinds: Kinds = None,
    sender: Sender = None,
    after: After = None,
    before: Before = None,
    source: Source = None,
    model: ModelName = None,
) -> None:
    """Ask questions and follow-ups in a conversation."""
    from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
    from kb.knowledge import KnowledgeBase
    from kb.offer import offer_missing

    filters = filters_from(kinds, sender, after, before, source)
    with KnowledgeBase.open(folder) as kb:
        offer_missing([kb.embedder or DEFAULT_EMBEDDER, model or DEFAULT_LLM])
        session = kb.chat(filters=filters, model=model)
        read = _reader()
        console().print("Ask about your documents. /help lists the commands, /quit leaves.", style="dim")
        while True:
            try:
                line = read().strip()
            except KeyboardInterrupt:  # clears the line, as in a shell
                continue
            except EOFError:
                return
            if line in ("/quit", "/exit", "/q"):
                return
            if line:
                _turn(kb, session, line)


def _reader() -> Callable[[], str]:
    """Reads a line: with editing and history on a terminal, else as it comes."""
    if not can_ask():
        return input
    from prompt_toolkit import PromptSession

    prompt: PromptSession[str] = PromptSession()
    return lambda: prompt.prompt("> ")


def _turn(kb: "KnowledgeBase", session: "ChatSession", line: str) -> None:
    """Does what a line says. What goes wrong in one turn does not end the conversation."""
    from kb.commands.ask import follow
    from retrieval.errors import KbError

    try:
        if line.startswith("/"):
            _command(kb, session, *line.split())
            return
        events = session.ask_stream(line)
        try:
            follow(events)
        except KeyboardInterrupt:
            say("stopped")
        finally:
            events.close()
    except KbError as error:
        say(str(error))
    print()


def _command(kb: "KnowledgeBase", session: "ChatSession", name: str, *arguments: str) -> None:
    from kb.commands.show import print_shown
    from kb.render import hit_lines, source_lines
    from kb.terminal import width

    last = session.last
    if name == "/help":
        print(_HELP)
    elif name == "/new":
        session.reset()
        print("A new conversation.")
    elif name == "/sources":
        if last is None:
            say("there is no answer yet")
            return
        columns = width(sys.stdout)
        lines = [line for citation in last.citations for line in source_lines(citation, columns)]
        lines += ["", "Passages that were found:"]
        lines += [line for hit in last.hits for line in hit_lines(hit, columns)]
        console().print("\n".join(lines), soft_wrap=True)
    elif name == "/show":
        chosen = [c.ref for c in last.citations if [str(c.n)] == list(arguments)] if last else []
        if chosen:
            print_shown(kb.show(chosen[0]))
        else:
            known = ", ".join(str(c.n) for c in last.citations) if last else ""
            say(f"/show takes the number of a source of the last answer ({known or 'it has none'})")
    else:
        say(f"there is no command {name}: /help lists them")
