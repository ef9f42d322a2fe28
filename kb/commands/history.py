"""`kb history`: the conversations that were kept."""

import sys
from typing import Annotated

import typer

from kb.options import Json, KbFolder
from kb.terminal import console, print_json, say, width
from retrieval.errors import UsageError

_EXAMPLES = """\b
Examples:
  kb history show 3
  kb history rm 3 4 --kb work"""

app = typer.Typer(
    rich_markup_mode=None, invoke_without_command=True, epilog=_EXAMPLES,
    help="List the conversations of kb chat, or show or remove some.",
)  # fmt: skip

Id = Annotated[int, typer.Argument(metavar="ID", help="A conversation's number in kb history.")]
Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="Conversations' numbers in kb history.")]


@app.callback()
def history(context: typer.Context, folder: KbFolder = None, as_json: Json = False) -> None:
    """Lists the conversations when no command follows."""
    if context.invoked_subcommand is not None:
        given = context.get_parameter_source("folder")
        if given is not None and given.name == "COMMANDLINE":
            command = context.invoked_subcommand
            raise UsageError(f"--kb stands after the command: kb history {command} --kb DIR")
        return
    from kb.chats import Chats
    from kb.knowledge import KnowledgeBase
    from kb.render import day
    from retrieval.text import one_line

    with KnowledgeBase.open(folder) as kb, Chats.open(kb.folder) as chats:
        found = chats.summaries()
    if as_json:
        print_json({"chats": [chat.to_json() for chat in found]})
        return
    for chat in found:
        line = f"{chat.id:>4}  {day(chat.started):<11}  {chat.turns:>3}  {one_line(chat.question)}"
        console().print(line, soft_wrap=True)
    if not found:
        say("no conversation has been kept yet: begin one with kb chat")


@app.command(epilog=_EXAMPLES)
def show(chat: Id, folder: KbFolder = None, as_json: Json = False) -> None:
    """Show a conversation with its sources."""
    from kb.chats import Chats
    from kb.knowledge import KnowledgeBase
    from kb.render import exchange_lines

    with KnowledgeBase.open(folder) as kb, Chats.open(kb.folder) as chats:
        said = chats.read(chat)
    if as_json:
        print_json({"id": chat, "exchanges": [exchange.to_json() for exchange in said]})
        return
    columns = width(sys.stdout)
    for exchange in said:
        console().print("\n".join(exchange_lines(exchange, columns)) + "\n", soft_wrap=True)


@app.command("rm", epilog=_EXAMPLES)
def remove(ids: Ids, folder: KbFolder = None) -> None:
    """Forget conversations for good."""
    from kb.chats import Chats
    from kb.knowledge import KnowledgeBase

    with KnowledgeBase.open(folder) as kb, Chats.open(kb.folder) as chats:
        chats.remove(ids)
    print(f"{len(ids)} {'conversation' if len(ids) == 1 else 'conversations'} removed")
