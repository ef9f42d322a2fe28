"""The commands of a chat: a name, what it takes, what it does."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kb.options import filters_from
from kb.terminal import console, say, width
from retrieval.errors import UsageError
from retrieval.text import one_line
from retrieval.types import Filters

if TYPE_CHECKING:
    from kb.chats import Source
    from kb.knowledge import KnowledgeBase
    from kb.session import ChatSession

FILTERS = ("kind", "from", "after", "before", "source")


class Leave(Exception):
    """The person has had enough."""


@dataclass(slots=True)
class Chat:
    """A conversation under way; `id` names it in the kept conversations, None until something was said."""

    kb: "KnowledgeBase"
    session: "ChatSession"
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """What `/help` says of a command, and what it does with the text after its name."""

    takes: str
    does: str
    run: Callable[[Chat, str], None]


def run(chat: Chat, line: str) -> None:
    """Does what a line that begins with a slash says. Raises KbError, or Leave."""
    name, _, rest = line.partition(" ")
    command = COMMANDS.get(name) or _SHORT.get(name)
    if command is None:
        raise UsageError(f"there is no command {name}: /help lists them")
    command.run(chat, rest.strip())


def _help(chat: Chat, rest: str) -> None:
    column = max(len(f"{name} {command.takes}") for name, command in COMMANDS.items())
    for name, command in COMMANDS.items():
        print(f"{f'{name} {command.takes}':<{column}}  {command.does}")
    print("Anything else is a question. Alt-Enter begins a line, Tab completes, Ctrl-C stops an answer.")


def _filter(chat: Chat, rest: str) -> None:
    """`kind=mail from=Dana Okafor after=2025-01`; a name without a value drops that filter, `off` drops all."""
    from kb.render import filters_line

    session = chat.session
    if rest:
        session.filters = Filters() if rest == "off" else _changed(session.filters, rest)
    console().print(filters_line(session.filters), style="dim", soft_wrap=True)


def _changed(filters: Filters, text: str) -> Filters:
    """The filters with what `text` sets. Raises UsageError for what is no filter."""
    values: dict[str, str] = {}
    name = ""
    for word in text.split():
        before, equals, after = word.partition("=")
        if equals and before.lower() in FILTERS:
            name = before.lower()
            values[name] = after
        elif name:
            values[name] = f"{values[name]} {word}".strip()
        else:
            raise UsageError(f"/filter {word}: write it as /filter from=Dana after=2025-01, or /filter off")
    kinds = [kind for kind in values.get("kind", ",".join(filters.kinds)).replace(",", " ").split() if kind]
    after_day = values.get("after", filters.after.isoformat() if filters.after else "")
    before_day = values.get("before", filters.before.isoformat() if filters.before else "")
    return filters_from(
        kinds,
        values.get("from", filters.sender or ""),
        after_day or None,
        before_day or None,
        values.get("source", filters.source or ""),
    )


def _long(chat: Chat, rest: str) -> None:
    chat.session.long = not chat.session.long
    print("Answers are longer now." if chat.session.long else "Answers are short again.")


def _model(chat: Chat, rest: str) -> None:
    """Names the models, the one in use marked; with a name, answers from now on with that one."""
    from kb.catalogue import DEFAULT_LLM
    from kb.model_store import ModelStore

    if rest:
        ModelStore().resolve_llm(rest)
        chat.session.model = rest
    used = chat.session.model or DEFAULT_LLM
    for name in dict.fromkeys([*answering_models(), used]):
        print(f"{'>' if name == used else ' '} {one_line(name)}")


def answering_models() -> list[str]:
    """The models of the catalogue that are on this machine and can answer."""
    from kb.catalogue import CATALOGUE
    from kb.model_store import ModelStore

    store = ModelStore()
    return [name for name, model in CATALOGUE.items() if model.role == "llm" and store.has(name)]


def _ingest(chat: Chat, rest: str) -> None:
    """Reads a file or folder into the knowledge base, as `kb ingest` does."""
    from ingest.walk import require
    from kb.commands.ingest import print_report
    from kb.commands.ingest_progress import progress_shown

    if not rest:
        raise UsageError("/ingest takes a file or folder, as /ingest ~/notes")
    paths = [Path(rest).expanduser()]
    require(paths)
    with progress_shown(show=True) as tell:
        report = chat.kb.ingest(paths, on_progress=tell)
    print_report(report)


def _why(chat: Chat, rest: str) -> None:
    from kb.render import why_lines

    if chat.session.last is None:
        raise UsageError("nothing has been answered yet since this chat was opened")
    console().print("\n".join(why_lines(chat.session.last)), style="dim", soft_wrap=True)


def _sources(chat: Chat, rest: str) -> None:
    from kb.render import hit_lines, source_lines

    session, columns = chat.session, width(sys.stdout)
    if not session.exchanges:
        raise UsageError("there is no answer yet")
    lines = [line for source in session.exchanges[-1].sources for line in source_lines(source, columns)]
    if session.last is not None:
        lines += ["", "Passages that were found:"]
        lines += [line for hit in session.last.hits for line in hit_lines(hit, columns)]
    console().print("\n".join(lines), soft_wrap=True)


def _show(chat: Chat, rest: str) -> None:
    from kb.commands.show import print_shown

    print_shown(chat.kb.show(_source(chat, "/show", rest).ref))


def _open(chat: Chat, rest: str) -> None:
    from kb.pager import page

    page(chat.kb.show(_source(chat, "/open", rest).ref))


def _edit(chat: Chat, rest: str) -> None:
    from kb.viewer import edit

    source = _source(chat, "/edit", rest)
    edit(chat.kb.file(source.ref), source.quote)


def _view(chat: Chat, rest: str) -> None:
    from kb.viewer import view

    ref = _source(chat, "/view", rest).ref
    view(chat.kb.file(ref), chat.kb.show(ref).page)


def _source(chat: Chat, command: str, number: str) -> "Source":
    sources = chat.session.exchanges[-1].sources if chat.session.exchanges else ()
    for source in sources:
        if str(source.n) == number:
            return source
    known = ", ".join(str(source.n) for source in sources)
    raise UsageError(f"{command} takes the number of a source of the last answer ({known or 'it has none'})")


def _save(chat: Chat, rest: str) -> None:
    """Writes the conversation; over a file that is there only with `--over`."""
    from kb.transcript import transcript

    over = rest.startswith("--over ")
    name = rest.removeprefix("--over ").strip()
    if not name:
        raise UsageError("/save takes the name of a file, as /save notes.md")
    if not chat.session.exchanges:
        raise UsageError("nothing has been said yet")
    file = Path(name).expanduser()
    try:
        with file.open("w" if over else "x", encoding="utf-8") as stream:
            stream.write(transcript(chat.session.exchanges))
    except FileExistsError:
        raise UsageError(f"{file} is there already: /save --over {name} writes over it") from None
    except OSError as error:
        raise UsageError(f"{file} can't be written ({error.strerror}): name another file") from error
    say(f"{'written over' if over else 'saved in'} {file}")


def _new(chat: Chat, rest: str) -> None:
    chat.session.reset()
    chat.id = None
    print("A new conversation.")


def _quit(chat: Chat, rest: str) -> None:
    raise Leave


COMMANDS = {
    "/sources": Command(
        "", "the sources of the last answer, and the passages that it was made from", _sources
    ),
    "/show": Command("N", "source N in its document", _show),
    "/open": Command("N", "the whole document in $PAGER, at the quote", _open),
    "/edit": Command("N", "its file in $EDITOR, at the quote", _edit),
    "/view": Command("N", "its file in the system's viewer, a PDF at the page", _view),
    "/filter": Command(
        "kind=mail from=Dana", "where to look: kind, from, after, before, source; or off", _filter
    ),
    "/long": Command("", "longer answers, and short ones again", _long),
    "/model": Command("NAME", "answer with another model; without a name, which there are", _model),
    "/ingest": Command("PATH", "read a file or folder into the knowledge base", _ingest),
    "/why": Command("", "how the last answer came about: confidence, route, times, scores", _why),
    "/save": Command("FILE.md", "the conversation with its sources as Markdown", _save),
    "/new": Command("", "begin a new conversation", _new),
    "/help": Command("", "this", _help),
    "/quit": Command("", "leave (also Ctrl-D)", _quit),
}
_SHORT = {"/exit": COMMANDS["/quit"], "/q": COMMANDS["/quit"]}
