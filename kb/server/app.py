"""The HTTP interface: searches, answers as server-sent events, documents; and the page that uses it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from generation.types import Event, Retrieved, Token, Turn
from kb.server import completions
from kb.server.access import COOKIE, Access
from kb.server.asking import MAX_WORDS, Answering, Restriction
from kb.server.errors import EXPECTED, error, sentence
from kb.server.guard import Guard
from kb.server.local import LocalSocket
from kb.server.service import Question, Service

_REF = r"^[0-9a-z]{1,64}(:[0-9]{1,9}-[0-9]{1,9})?$"
Ref = Annotated[str, InPath(pattern=_REF)]


class Search(Restriction):
    """A search: its words, and how many passages."""

    q: str = Field(max_length=MAX_WORDS)
    k: int = Field(default=10, ge=1, le=100)


class Earlier(BaseModel):
    """A turn of the conversation."""

    question: str = Field(max_length=MAX_WORDS)
    answer: str = Field(max_length=2 * MAX_WORDS)


class Ask(Restriction):
    """A question, and what was answered before it in the same conversation, oldest first."""

    question: str = Field(max_length=MAX_WORDS)
    long: bool = False
    history: list[Earlier] = Field(default=[], max_length=100)


class Credential(BaseModel):
    """The token that the page was given."""

    token: str = Field(max_length=1000)


def create_app(service: Service, access: Access) -> FastAPI:
    """The application for what `service` serves, to those who have `access`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        local = LocalSocket.bind(service)
        if local is not None:
            await local.open()
        yield
        if local is not None:
            local.close()
        service.close()

    # The pages of documentation that FastAPI offers load scripts from elsewhere.
    app = FastAPI(title="kb", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Guard, access=access)
    app.add_exception_handler(Exception, _failed)
    for kind in EXPECTED:
        app.add_exception_handler(kind, _failed)
    app.include_router(completions.router(service))

    @app.get("/api/search")
    async def search(asked: Annotated[Search, Query()]) -> dict[str, Any]:
        filters = asked.filters()
        found = await service.read(lambda kb: kb.search(asked.q, k=asked.k, filters=filters))
        return found.to_json()

    @app.post("/api/ask")
    async def ask(asked: Ask) -> Answering:
        history = tuple(Turn(turn.question, turn.answer) for turn in asked.history)
        question = Question(asked.question, filters=asked.filters(), long=asked.long, history=history)
        taken = await service.ask(question)
        return Answering(taken, _sent(taken.events()))

    @app.get("/api/documents")
    async def documents(asked: Annotated[Restriction, Query()]) -> dict[str, Any]:
        filters = asked.filters()
        listed = await service.read(lambda kb: kb.list(filters))
        return {"documents": [document.to_json() for document in listed]}

    @app.get("/api/show/{ref}")
    async def show(ref: Ref) -> dict[str, Any]:
        shown = await service.read(lambda kb: kb.show(ref))
        return shown.to_json() | {"file": shown.info.kind == "pdf" and not shown.info.part}

    @app.get("/api/file/{ref}")
    async def file(ref: Ref) -> Response:
        data = await service.read(lambda kb: kb.pdf(ref))
        return Response(data, media_type="application/pdf")

    @app.get("/api/status")
    async def status() -> dict[str, Any]:
        return (await service.read(lambda kb: kb.status())).to_json()

    @app.post("/api/session", status_code=204)
    async def session(given: Credential, response: Response) -> None:
        if access.token is not None:
            if not access.is_token(given.token):
                raise HTTPException(401, "this is not the token that kb serve printed")
            response.set_cookie(COOKIE, given.token, httponly=True, samesite="strict")

    # Last: it has an answer for every path.
    app.mount("/", StaticFiles(directory=Path(__file__).parent / "static", html=True))
    return app


async def _sent(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    """The events as server-sent events: hits, tokens, answer; or an error."""
    try:
        async for event in events:
            if isinstance(event, Retrieved):
                hits = [hit.to_json() for hit in event.hits]
                yield _event(
                    "hits", {"hits": hits, "searched": event.searched, "looked_for": event.looked_for}
                )
            elif isinstance(event, Token):
                yield _event("token", {"text": event.text})
            else:
                yield _event("answer", event.to_json())
    except Exception as problem:  # noqa: BLE001  (the status has been sent: the stream has to say it)
        yield _event("error", {"error": sentence(problem)[1]})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _failed(request: Request, problem: Exception) -> JSONResponse:
    return error(request.url.path, *sentence(problem))
