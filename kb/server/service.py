"""What the server does for its clients, whichever way they come: over HTTP or through the socket of `kb ask`."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from generation.followup import standalone
from generation.stop import Stopped
from generation.types import Answer, Event, Retrieved, Turn
from kb.catalogue import DEFAULT_LLM
from kb.knowledge import ASK_HITS, KnowledgeBase
from kb.server.owner import Busy, Owner, Stream
from retrieval.errors import KbError
from retrieval.types import Filters

T = TypeVar("T")

# Requests that may wait for the model, and for a search.
MAX_ASKS, MAX_SEARCHES = 32, 256
# Seconds that a search may wait and take.
_MOST_SEARCH = 60


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which documents, in which conversation (oldest turn first). `k` as in `KnowledgeBase.ask`."""

    text: str
    k: int | None = None
    filters: Filters = Filters()
    long: bool = False
    history: tuple[Turn, ...] = ()


# What goes wrong in a way that a client can be told, beside its own mistakes.
TOLD = (Busy, KbError, Stopped, TimeoutError)


def sentence(problem: Exception) -> str:
    """What a client is told of one of these."""
    match problem:
        case Busy():
            return "too many requests are waiting: try again in a moment"
        case Stopped():
            return "the server is closing"
        case TimeoutError():
            return "this took too long: try again in a moment"
    return str(problem)


class Service:
    """One knowledge base with its models loaded. Answers are made one after another, on a thread of their own, so that
    no search waits for one; the passages of a question are searches."""

    def __init__(self, folder: Path, model: str | None = None) -> None:
        self.folder = folder
        self.model = model or DEFAULT_LLM
        self._answers, self._searches = Owner(folder, MAX_ASKS), Owner(folder, MAX_SEARCHES)

    def warm(self) -> None:
        """Begins to load the models. What is missing is told to those who ask."""
        self._searches.begin(lambda kb: kb.search("warm"))
        self._answers.begin(lambda kb: kb.warm(self.model))

    def close(self) -> None:
        """Stops what is under way and frees the models."""
        self._answers.close()
        self._searches.close()

    async def read(self, work: Callable[[KnowledgeBase], T]) -> T:
        """What `work` returns; it must not need a language model. Raises Busy, TimeoutError, or what it raises."""
        async with asyncio.timeout(_MOST_SEARCH):
            return await self._searches.call(work)

    async def ask(self, question: Question) -> "Asked":
        """Searches at once and takes a place in the queue for the model. Raises Busy, or what a search raises."""
        started = time.perf_counter()
        text, history, k = question.text, question.history, question.k or ASK_HITS
        found = await self.read(lambda kb: kb.search(text, k=k, filters=question.filters, history=history))
        events = self._answers.stream(
            lambda kb, stop: kb.answer_stream(
                text,
                found,
                filters=question.filters,
                long=question.long,
                model=self.model,
                history=history,
                started=started,
                stop=stop,
            )
        )
        return Asked(Retrieved(found.hits, standalone(text, history)), events)


class Asked:
    """A question that was taken. Whoever has it must `leave` it, at the end or before."""

    def __init__(self, retrieved: Retrieved, events: Stream) -> None:
        self._retrieved = retrieved
        self._events = events

    async def events(self) -> AsyncIterator[Event]:
        """The passages, the words of the draft, the checked answer. Raises what an answer raises."""
        yield self._retrieved
        async for event in self._events:
            yield event

    async def answer(self) -> Answer:
        """The checked answer alone. Raises Stopped when the server closes before it is made."""
        async for event in self._events:
            if isinstance(event, Answer):
                return event
        raise Stopped

    def leave(self) -> None:
        """Nobody waits for the rest: the model is free at once."""
        self._events.stop()
