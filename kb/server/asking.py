"""What the ways to ask over HTTP have in common."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from kb.options import filters_from
from kb.server.service import Asked
from retrieval.errors import UsageError
from retrieval.types import Filters

T = TypeVar("T")

# Characters of a question.
MAX_WORDS = 2000


class Restriction(BaseModel):
    """Which documents may answer."""

    kind: list[str] = Field(default=[], max_length=10)
    sender: str | None = Field(default=None, max_length=200)
    after: str | None = Field(default=None, max_length=10)
    before: str | None = Field(default=None, max_length=10)
    source: str | None = Field(default=None, max_length=200)

    def filters(self) -> Filters:
        """Raises UsageError for an unknown kind or a date that is none."""
        try:
            return filters_from(self.kind, self.sender, self.after, self.before, self.source)
        except UsageError as error:
            raise UsageError(str(error).removeprefix("--")) from None


class Answering(StreamingResponse):
    """Server-sent events of a question. However it ends, the question is left."""

    def __init__(self, asked: Asked, sent: AsyncIterator[str]) -> None:
        super().__init__(sent, media_type="text/event-stream")
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._asked.leave()


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """What `work` gives; it is cancelled when the client of the request, whose body was read, leaves. Raises
    ClientDisconnect then."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
