"""A conversation with a knowledge base: every question sees the turns before it."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from generation.types import Answer, Event, Turn
from retrieval.types import Filters

if TYPE_CHECKING:
    from kb.chats import Exchange
    from kb.knowledge import KnowledgeBase


class ChatSession:
    """The exchanges so far, and the last answer. `filters`, `model` and `long` hold for the questions to come."""

    def __init__(
        self, kb: "KnowledgeBase", *, filters: Filters = Filters(), model: str | None = None
    ) -> None:
        self._kb = kb
        self.model = model
        self.filters = filters
        self.long = False
        self.exchanges: list[Exchange] = []
        self.last: Answer | None = None

    @property
    def turns(self) -> list[Turn]:
        """The answered questions, as the next one is given them."""
        from kb.render import UNSUPPORTED

        return [
            Turn(exchange.question, exchange.answer.replace(f" {UNSUPPORTED}", ""))
            for exchange in self.exchanges
            if exchange.status == "answered"
        ]

    def ask_stream(self, question: str) -> Generator[Event, None, None]:
        """The events of `KnowledgeBase.ask_stream` for the next question. An answer that was stopped half-way is no
        exchange."""
        from kb.render import exchange_of

        events = self._kb.ask_stream(
            question, filters=self.filters, long=self.long, model=self.model, history=self.turns
        )
        for event in events:
            if isinstance(event, Answer):
                self.last = event
                self.exchanges.append(exchange_of(event))
            yield event

    def resume(self, exchanges: "Sequence[Exchange]") -> None:
        """Goes on with an earlier conversation."""
        self.exchanges = list(exchanges)
        self.last = None

    def reset(self) -> None:
        """Forgets the conversation; filters stay."""
        self.resume(())
