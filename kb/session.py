"""A conversation with a knowledge base: every question sees the turns before it."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from generation.types import Answer, Event, Turn
from retrieval.types import Filters

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

# Turns that a question is given: a pronoun rarely reaches further back, and prompt tokens are time.
_TURNS = 2


class ChatSession:
    """The turns so far, and the last answer for `/sources` and `/show`."""

    def __init__(
        self, kb: "KnowledgeBase", *, filters: Filters = Filters(), model: str | None = None
    ) -> None:
        self._kb = kb
        self._filters = filters
        self._model = model
        self.turns: list[Turn] = []
        self.last: Answer | None = None

    def ask_stream(self, question: str) -> Generator[Event, None, None]:
        """The events of `KnowledgeBase.ask_stream` for the next question. An answer that was stopped half-way is no
        turn."""
        events = self._kb.ask_stream(
            question, filters=self._filters, model=self._model, history=self.turns[-_TURNS:]
        )
        for event in events:
            if isinstance(event, Answer):
                self.last = event
                if event.status == "answered":
                    self.turns.append(Turn(question, event.text))
            yield event

    def reset(self) -> None:
        """Forgets the conversation."""
        self.turns.clear()
        self.last = None
