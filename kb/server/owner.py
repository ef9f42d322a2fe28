"""Threads that own a knowledge base: a KnowledgeBase is used from one thread, requests come from many."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from generation.stop import Stop, Stopped
from kb.knowledge import KnowledgeBase

if TYPE_CHECKING:
    from generation.types import Event

T = TypeVar("T")


class Busy(Exception):
    """The queue is full."""


class Job(Protocol):
    """What waits for its turn."""

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it."""
        ...

    def run(self, kb: KnowledgeBase | Exception) -> None:
        """Does it, with the knowledge base or why there is none. Raises nothing."""
        ...

    def stop(self) -> None:
        """Nobody waits for it any more. From any thread."""
        ...


class Owner:
    """A thread with a KnowledgeBase of its own that does one job after another, first come first served; at most
    `limit` wait. A job that nobody wants any more keeps no place."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the jobs and frees the knowledge base."""
        with self._changed:
            self._closed = True
            for job in (self._running, *self._waiting):
                if job is not None:
                    job.stop()
            self._changed.notify()
        self._thread.join()

    def begin(self, work: Callable[[KnowledgeBase], object]) -> None:
        """Has `work` done on the thread; nobody waits for it, or learns whether it went well. Raises Busy."""
        self._submit(_Call(work))

    async def call(self, work: Callable[[KnowledgeBase], T]) -> T:
        """What `work` returns, done on the thread. Raises Busy, or what `work` raises."""
        job = _Call(work)
        self._submit(job)
        return await asyncio.wrap_future(job.done)

    def stream(self, work: "Callable[[KnowledgeBase, Stop], Generator[Event, None, None]]") -> "Stream":
        """The events of `work`, made on the thread; the Stop that it is given is set when they are no longer wanted.
        Raises Busy."""
        stream = Stream(work)
        self._submit(stream)
        return stream

    def _submit(self, job: Job) -> None:
        with self._changed:
            if len(self._waiting) >= self._limit:
                self._waiting = deque(waiting for waiting in self._waiting if waiting.wanted)
            if self._closed or len(self._waiting) >= self._limit:
                raise Busy
            self._waiting.append(job)
            self._changed.notify()

    def _work(self) -> None:
        kb: KnowledgeBase | Exception
        try:
            kb = KnowledgeBase.open(self._folder)
        except Exception as error:  # noqa: BLE001  (raised again by each request)
            kb = error
        while (job := self._next()) is not None:
            job.run(kb)
        if isinstance(kb, KnowledgeBase):
            kb.close()

    def _next(self) -> Job | None:
        """Waits for the next job; None when there will be none."""
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._running = self._waiting.popleft() if self._waiting else None
            return self._running


class _Call(Generic[T]):
    """A job with one result."""

    def __init__(self, work: Callable[[KnowledgeBase], T]) -> None:
        self._work = work
        self.done: Future[T] = Future()

    @property
    def wanted(self) -> bool:
        return not self.done.cancelled()

    def run(self, kb: KnowledgeBase | Exception) -> None:
        if not self.done.set_running_or_notify_cancel():
            return
        try:
            self.done.set_result(self._work(_opened(kb)))
        except Exception as error:  # noqa: BLE001  (raised again in the request)
            self.done.set_exception(error)

    def stop(self) -> None:
        self.done.cancel()


class Stream:
    """The events of a job, in the event loop that made the stream. Iterating raises what the job raises."""

    def __init__(self, work: "Callable[[KnowledgeBase, Stop], Generator[Event, None, None]]") -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._events = asyncio.Queue["Event | Exception | None"]()
        self._stop = Stop()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> "Event":
        event = await self._events.get()
        if event is None:
            raise StopAsyncIteration
        if isinstance(event, Exception):
            raise event
        return event

    @property
    def wanted(self) -> bool:
        return not self._stop.is_set()

    def stop(self) -> None:
        """Ends the job at once, wherever it is, or before it begins. From any thread."""
        self._stop.set()

    def run(self, kb: KnowledgeBase | Exception) -> None:
        last: Exception | None = None
        try:
            if self.wanted:
                with closing(self._work(_opened(kb), self._stop)) as made:
                    for event in made:
                        self._hand_over(event)
                        if not self.wanted:
                            break
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001  (raised again in the request)
            last = error
        self._hand_over(last)

    def _hand_over(self, event: "Event | Exception | None") -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)


def _opened(kb: KnowledgeBase | Exception) -> KnowledgeBase:
    if isinstance(kb, Exception):
        raise kb
    return kb
