"""The HTTP interface: searches, answers as server-sent events, documents; and the page that uses it."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from generation.types import Retrieved, Token
from kb.options import filters_from
from kb.server.guard import Guard, error
from kb.server.owner import Busy, Owner, Stream
from retrieval.errors import KbError, UsageError
from retrieval.types import Filters

# Requests that may wait for the model, and for a search.
_MAX_ASKS, _MAX_SEARCHES = 32, 256
_MAX_WORDS = 2000
_REF = r"^[0-9a-z]{1,64}(:[0-9]{1,9}-[0-9]{1,9})?$"


class Restriction(BaseModel):
    """Which documents may answer."""

    kind: list[str] = Field(default=[], max_length=10)
    sender: str | None = Field(default=None, max_length=200)
    after: str | None = Field(default=None, max_length=10)
    before: str | None = Field(default=None, max_length=10)
    source: str | None = Field(default=None, max_length=200)


class Search(Restriction):
    """A search: its words, and how many passages."""

    q: str = Field(max_length=_MAX_WORDS)
    k: int = Field(default=10, ge=1, le=100)


class Ask(Restriction):
    """A question."""

    question: str = Field(max_length=_MAX_WORDS)
    long: bool = False


def create_app(folder: Path, model: str | None = None) -> FastAPI:
    """The application for the knowledge base in `folder`. Answers have a thread of their own, so that no search waits
    for one; `model` is the answering model."""
    asks, searches = Owner(folder, _MAX_ASKS), Owner(folder, _MAX_SEARCHES)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        asks.close()
        searches.close()

    # The pages of documentation that FastAPI offers load scripts from elsewhere.
    app = FastAPI(title="kb", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Guard)
    app.add_exception_handler(Exception, _failed)
    for kind in (Busy, KbError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _failed)

    @app.get("/api/search")
    async def search(asked: Annotated[Search, Query()]) -> dict[str, Any]:
        filters = _filters(asked)
        found = await searches.call(lambda kb: kb.search(asked.q, k=asked.k, filters=filters))
        return found.to_json()

    @app.post("/api/ask")
    async def ask(asked: Ask) -> StreamingResponse:
        if not asked.question.strip():
            raise UsageError("the question is empty: say what to look for")
        filters = _filters(asked)
        events = asks.stream(
            lambda kb: kb.ask_stream(asked.question, filters=filters, long=asked.long, model=model)
        )
        return StreamingResponse(_sent(events), media_type="text/event-stream")

    @app.get("/api/documents")
    async def documents(asked: Annotated[Restriction, Query()]) -> dict[str, Any]:
        filters = _filters(asked)
        listed = await searches.call(lambda kb: kb.list(filters))
        return {"documents": [document.to_json() for document in listed]}

    @app.get("/api/show/{ref}")
    async def show(ref: Annotated[str, InPath(pattern=_REF)]) -> dict[str, Any]:
        return (await searches.call(lambda kb: kb.show(ref))).to_json()

    @app.get("/api/status")
    async def status() -> dict[str, Any]:
        return (await searches.call(lambda kb: kb.status())).to_json()

    # Last: it has an answer for every path.
    app.mount("/", StaticFiles(directory=Path(__file__).parent / "static", html=True))
    return app


def _filters(asked: Restriction) -> Filters:
    return filters_from(asked.kind, asked.sender, asked.after, asked.before, asked.source)


async def _sent(events: Stream) -> AsyncIterator[str]:
    """The events as server-sent events: hits, tokens, answer; or an error."""
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Retrieved):
                    yield _event("hits", {"hits": [hit.to_json() for hit in event.hits]})
                elif isinstance(event, Token):
                    yield _event("token", {"text": event.text})
                else:
                    yield _event("answer", event.to_json())
    except Exception as problem:  # noqa: BLE001  (the status has been sent: the stream has to say it)
        yield _event("error", {"error": _sentence(problem)[1]})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _failed(_: Request, problem: Exception) -> JSONResponse:
    return error(*_sentence(problem))


def _sentence(problem: Exception) -> tuple[int, str]:
    """The status and the sentence for an error."""
    match problem:
        case Busy():
            return 429, "too many requests are waiting: try again in a moment"
        case UsageError():
            return 400, str(problem)
        case KbError():
            return 503, str(problem)
        case HTTPException():
            return problem.status_code, str(problem.detail)
        case RequestValidationError():
            first = problem.errors()[0]
            return 422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return 500, "something went wrong that should not"
