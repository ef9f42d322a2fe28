"""The interface that many programs speak: OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat).
The last message is the question, what was said before it the conversation. The answer's text is the checked one with
its sources as footnotes; `citations` has them for programs. While it is made, a stream sends the draft as
`reasoning_content`, which programs show apart from the answer or not at all: what is not checked is no answer."""

import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from generation.answer import NOT_FOUND_TEXT
from generation.types import Answer, Token, Turn
from kb.render import UNSUPPORTED, marked_text, origin
from kb.server.asking import MAX_WORDS, Answering, Restriction, while_connected
from kb.server.errors import sentence
from kb.server.service import Question, Service
from retrieval.errors import UsageError
from retrieval.text import one_line

MODEL = "kb"
_SOURCES = "\n\nSources:\n"
_PIECES = re.compile(r"\S+\s*|\s+")


class Part(BaseModel):
    """A part of a message; only texts are read."""

    type: str = Field(max_length=40)
    text: str | None = None


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text" and part.text)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream says at its end."""

    include_usage: bool | None = None


class ChatRequest(Restriction):
    """A request for a completion. What says how a model should write (temperature, max_tokens, tools …) has no effect;
    the filters and `long` are extensions."""

    model: str = Field(default=MODEL, max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=1000)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=1, ge=1, le=1)
    long: bool = False

    def question(self) -> Question:
        """What is asked. Raises UsageError when the last message is no question."""
        said = [message for message in self.messages if message.role in ("user", "assistant")]
        text = said[-1].text.strip() if said else ""
        if not text or said[-1].role != "user":
            raise UsageError("the last message must be the user's question")
        if len(text) > MAX_WORDS:
            raise UsageError(f"the question has more than {MAX_WORDS} characters: ask a shorter one")
        return Question(text, filters=self.filters(), long=self.long, history=turns(said[:-1]))


def turns(said: Sequence[Message]) -> tuple[Turn, ...]:
    """The answered questions of a conversation, without the footnotes of the answers."""
    found = []
    for asked, answered in pairwise(said):
        if (asked.role, answered.role) == ("user", "assistant"):
            answer = answered.text.partition(_SOURCES)[0].replace(f" {UNSUPPORTED}", "").strip()
            if answer and answer != NOT_FOUND_TEXT:
                found.append(Turn(asked.text.strip()[:MAX_WORDS], answer[:MAX_WORDS]))
    return tuple(found)


def router(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1")
    described = {"id": MODEL, "object": "model", "created": int(time.time()), "owned_by": "kb"}

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [described]}

    @routes.get("/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        _known(name)
        return described

    @routes.post("/chat/completions", response_model=None)
    async def chat_completions(asked: ChatRequest, request: Request) -> dict[str, Any] | Answering:
        _known(asked.model)
        taken = await service.ask(asked.question())
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL}
        if asked.stream:
            usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
            return Answering(taken, _chunks(taken.events(), head, usage))
        try:
            return _completion(await while_connected(request, taken.answer()), head)
        finally:
            taken.leave()

    return routes


def _known(name: str) -> None:
    if name != MODEL:
        raise HTTPException(404, f"there is one model here: {MODEL}")


def _completion(answer: Answer, head: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": _text(answer), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return (
        head
        | {"object": "chat.completion", "choices": [choice], "usage": _usage(answer)}
        | _extension(answer)
    )


async def _chunks(events: AsyncIterator[Any], head: dict[str, Any], usage: bool) -> AsyncIterator[str]:
    """The answer in pieces, as server-sent events."""
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(head | {"choices": [choice]} | more)

    try:
        yield chunk({"role": "assistant", "content": ""})
        async for event in events:
            if isinstance(event, Token):
                yield chunk({"reasoning_content": event.text})
            elif isinstance(event, Answer):
                for piece in _PIECES.findall(_text(event)):
                    yield chunk({"content": piece})
                yield chunk({}, "stop", **_extension(event))
                if usage:
                    yield _event(head | {"choices": [], "usage": _usage(event)})
                yield "data: [DONE]\n\n"
    except Exception as problem:  # noqa: BLE001  (the status has been sent: the stream has to say it)
        yield _event(
            {"error": {"message": sentence(problem)[1], "type": "server_error", "param": None, "code": None}}
        )


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _text(answer: Answer) -> str:
    """The answer with its footnotes: where each is from, and the words that bear it out."""
    notes = [f"[{one.n}] {origin(one)}: “{one_line(one.quote)}”" for one in answer.citations]
    return marked_text(answer) + (_SOURCES + "\n".join(notes) if notes else "")


def _usage(answer: Answer) -> dict[str, int]:
    read, made = answer.prompt_tokens, answer.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


def _extension(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "citations": [citation.to_json() for citation in answer.citations]}
