"""What a person types into a chat: editing with history across sessions, several lines with Alt-Enter, and completion
of commands, filters, documents and senders with Tab."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from kb.chat_commands import COMMANDS, FILTERS, answering_models
from kb.settings import settings
from retrieval.text import one_line
from retrieval.types import KINDS

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

# Lines kept free below the prompt for completions.
_MENU_LINES = 6


def reader(kb: "KnowledgeBase") -> Callable[[], str]:
    """Reads what a person types next. Raises KeyboardInterrupt and EOFError as `input` does."""
    prompt: PromptSession[str] = PromptSession(
        multiline=True, prompt_continuation="  ", key_bindings=_keys(), history=_history(),
        completer=Names(kb), reserve_space_for_menu=_MENU_LINES, vi_mode=settings().keys == "vi",
        # Names are offered when asked for with Tab; commands as they are typed.
        complete_while_typing=Condition(lambda: get_app().current_buffer.text.startswith("/")),
    )  # fmt: skip
    return lambda: prompt.prompt("> ")


def history_file() -> Path:
    """Where the questions that were typed are kept."""
    from platformdirs import user_state_path

    return user_state_path("kb", appauthor=False) / "history"


def _history() -> History:
    """The file, its owner's alone; without it where it can't be written."""
    file = history_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        file.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)


def _keys() -> KeyBindings:
    """Enter sends, Alt-Enter begins a line."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)  # not while Ctrl-R searches

    @keys.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer: Buffer = event.current_buffer
        state = buffer.complete_state
        if state is not None and state.current_completion is not None:
            buffer.complete_state = None  # takes what is chosen in the menu
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


@dataclass(frozen=True, slots=True)
class _Known:
    """The names in one state of a knowledge base."""

    generation: int
    senders: list[str]
    titles: list[str]
    paths: list[str]


class Names(Completer):
    """Completes commands, then filters and their values; in a question the names of senders and documents."""

    def __init__(self, kb: "KnowledgeBase") -> None:
        self._kb = kb
        self._known: _Known | None = None
        self._files = PathCompleter(expanduser=True)

    def _names(self) -> "_Known":
        """The names in the knowledge base, read when first asked for and again when it has changed."""
        if self._known is None or self._known.generation != self._kb.generation:
            infos = [listed.info for listed in self._kb.list()]
            authors = {one_line(info.author) for info in infos if info.author}
            self._known = _Known(
                self._kb.generation,
                sorted({name.partition("<")[0].strip() or name for name in authors}, key=str.casefold),
                sorted({one_line(info.title) for info in infos}, key=str.casefold),
                sorted({one_line(info.doc) for info in infos}),
            )
        return self._known

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """What could stand in place of the text before the cursor."""
        line = document.text_before_cursor
        command, space, rest = line.partition(" ")
        if line.startswith("/") and not space:
            for name, entry in COMMANDS.items():
                if name.startswith(command):
                    yield Completion(name, -len(command), display_meta=entry.does)
        elif command == "/filter":
            yield from self._filters(rest)
        elif command == "/model":
            yield from _matching(answering_models(), rest)
        elif command == "/ingest":
            yield from self._files.get_completions(Document(rest), complete_event)
        elif not line.startswith("/"):
            word = line[max(line.rfind(" "), line.rfind("\n")) + 1 :]
            if word:
                yield from _matching([*self._names().senders, *self._names().titles], word)

    def _filters(self, text: str) -> Iterator[Completion]:
        word = text[text.rfind(" ") + 1 :]
        if "=" not in text:
            yield from _matching([*(f"{name}=" for name in FILTERS), "off"], word)
            return
        name = text[: text.rfind("=")].rpartition(" ")[2]
        value = text[text.rfind("=") + 1 :]
        known: dict[str, Callable[[], Sequence[str]]] = {
            "kind": lambda: KINDS, "from": lambda: self._names().senders, "source": lambda: self._names().paths,
        }  # fmt: skip
        yield from _matching(known[name]() if name in known else (), value)
        if value.endswith(" ") or " " in value:
            yield from _matching([f"{other}=" for other in FILTERS if other != name], word)


def _matching(names: Iterable[str], typed: str) -> Iterator[Completion]:
    """The names in which a word begins with what was typed."""
    wanted = typed.casefold()
    for name in names:
        folded = name.casefold()
        if folded.startswith(wanted) or f" {wanted}" in folded or (wanted and f"/{wanted}" in folded):
            yield Completion(name, -len(typed))
