"""Threads that own a knowledge base: a KnowledgeBase is used from one thread, requests come from many."""

import asyncio
import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kb.knowledge import KnowledgeBase

if TYPE_CHECKING:
    from generation.types import Event

T = TypeVar("T")
Job = Callable[[KnowledgeBase | Exception], None]


class Busy(Exception):
    """The queue is full."""


class Owner:
    """A thread with a KnowledgeBase of its own that does one job after another, first come first served; at most
    `limit` wait."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._jobs: queue.Queue[Job | None] = queue.Queue(limit)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Lets the jobs that wait come to their end and frees the knowledge base."""
        self._jobs.put(None)
        self._thread.join()

    async def call(self, work: Callable[[KnowledgeBase], T]) -> T:
        """What `work` returns, done on the thread. Raises Busy, or what `work` raises."""
        done: Future[T] = Future()

        def job(kb: KnowledgeBase | Exception) -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(work(_opened(kb)))
            except Exception as error:  # noqa: BLE001  (raised again in the request)
                done.set_exception(error)

        self._submit(job)
        return await asyncio.wrap_future(done)

    def stream(self, work: "Callable[[KnowledgeBase], Generator[Event, None, None]]") -> "Stream":
        """The events of `work`, made on the thread. Raises Busy."""
        stream = Stream(work)
        self._submit(stream.make)
        return stream

    def _submit(self, job: Job) -> None:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Busy from None

    def _work(self) -> None:
        kb: KnowledgeBase | Exception
        try:
            kb = KnowledgeBase.open(self._folder)
        except Exception as error:  # noqa: BLE001  (raised again by each request)
            kb = error
        while (job := self._jobs.get()) is not None:
            job(kb)
        if isinstance(kb, KnowledgeBase):
            kb.close()


class Stream:
    """The events of a job, in the event loop that made the stream. `aclose` stops the job at its next event, or before
    it begins. Iterating raises what the job raises."""

    def __init__(self, work: "Callable[[KnowledgeBase], Generator[Event, None, None]]") -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._events = asyncio.Queue["Event | Exception | None"]()
        self._stopped = threading.Event()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> "Event":
        event = await self._events.get()
        if event is None:
            raise StopAsyncIteration
        if isinstance(event, Exception):
            raise event
        return event

    async def aclose(self) -> None:
        """Lets the job stop."""
        self._stopped.set()

    def make(self, kb: KnowledgeBase | Exception) -> None:
        """The job."""
        last: Exception | None = None
        try:
            if not self._stopped.is_set():
                with closing(self._work(_opened(kb))) as made:
                    for event in made:
                        if self._stopped.is_set():
                            break
                        self._hand_over(event)
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
