"""`kb chat`: a conversation in the terminal."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from kb.chat_commands import Chat, Leave, run
from kb.options import After, Before, KbFolder, Kinds, ModelName, Sender, Source, filters_from
from kb.terminal import can_ask, console, say, width

if TYPE_CHECKING:
    from generation.types import Event
    from kb.chats import Chats
    from kb.knowledge import KnowledgeBase

_EXAMPLES = """\b
Examples:
  kb chat --kind mail --after 2025-01
  kb chat --continue"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("chat", epilog=_EXAMPLES)(chat)


def chat(
    folder: KbFolder = None,
    kinds: Kinds = None,
    sender: Sender = None,
    after: After = None,
    before: Before = None,
    source: Source = None,
    model: ModelName = None,
    resume: Annotated[bool, typer.Option("--continue", help="Go on with the last conversation.")] = False,
) -> None:
    """Ask questions and follow-ups in a conversation.

    Conversations are kept with the knowledge base: kb history lists, shows and removes them.
    """
    from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
    from kb.knowledge import KnowledgeBase
    from kb.offer import offer_missing

    filters = filters_from(kinds, sender, after, before, source)
    with ExitStack() as stack:
        kb = stack.enter_context(KnowledgeBase.open(folder))
        offer_missing([kb.embedder or DEFAULT_EMBEDDER, model or DEFAULT_LLM])
        chats = _kept(stack, kb)
        talk = Chat(kb, kb.chat(filters=filters, model=model))
        read = _reader(kb)
        console().print("Ask about your documents. /help lists the commands, /quit leaves.", style="dim")
        if resume:
            _resume(talk, chats)
        while True:
            try:
                line = read().strip()
                if line:
                    _turn(talk, chats, line)
            except KeyboardInterrupt:  # clears the line, as in a shell
                continue
            except (EOFError, Leave):
                return


def _kept(stack: ExitStack, kb: "KnowledgeBase") -> "Chats | None":
    """The kept conversations; None, and a word about it, where they can't be opened."""
    from kb.chats import Chats
    from retrieval.errors import StoreError

    try:
        return stack.enter_context(Chats.open(kb.folder))
    except StoreError as error:
        say(f"this conversation will not be kept: {error}")
        return None


def _resume(talk: Chat, chats: "Chats | None") -> None:
    from kb.render import exchange_lines

    last = chats.latest() if chats else None
    if chats is None or last is None:
        say("there is no conversation to go on with: this is a new one")
        return
    talk.id = last
    talk.session.resume(chats.read(last))
    for exchange in talk.session.exchanges[-1:]:
        console().print("\n".join(exchange_lines(exchange, width(sys.stdout))), style="dim", soft_wrap=True)


def _reader(kb: "KnowledgeBase") -> Callable[[], str]:
    """Reads a line: with editing, history and completion on a terminal, else as it comes."""
    if not can_ask():
        return input
    from kb.chat_input import reader

    return reader(kb)


def _turn(talk: Chat, chats: "Chats | None", line: str) -> None:
    """Does what a line says. What goes wrong in one turn does not end the conversation."""
    from retrieval.errors import KbError

    try:
        if line.startswith("/"):
            run(talk, line)
            return
        _answer(talk, chats, line)
    except KbError as error:
        say(str(error))
    print()


def _told(events: "Iterator[Event]", question: str) -> "Iterator[Event]":
    """The same events; says what was searched for when that is not what was typed."""
    from generation.types import Retrieved
    from retrieval.text import one_line

    for event in events:
        if isinstance(event, Retrieved) and event.searched != question:
            line = one_line(f"searched for: {event.searched}")
            console(sys.stderr).print(line, style="dim", soft_wrap=True)
        yield event


def _answer(talk: Chat, chats: "Chats | None", question: str) -> None:
    from kb.commands.ask import follow
    from kb.render import filters_line

    if talk.session.filters:
        console(sys.stderr).print(filters_line(talk.session.filters), style="dim", soft_wrap=True)
    events = talk.session.ask_stream(question)
    try:
        follow(_told(events, question))
    except KeyboardInterrupt:
        say("stopped")
        return
    finally:
        events.close()
    if chats is not None:
        try:
            talk.id = chats.add(talk.id, talk.session.exchanges[-1])
        except sqlite3.Error as error:
            say(f"this answer could not be kept ({error}): free some space")
