"""What `kb ask` and a server of the same knowledge base say to each other through a socket in its folder: one JSON
object a line. The command asks; the server accepts (or closes), and sends the events of the answer as it makes them.
Nothing of them is lost on the way, so that the command shows what it would have shown without a server."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from generation.types import Answer, Citation, Event, Retrieved, Sentence, Token
from retrieval.errors import KbError, UsageError
from retrieval.types import Copy, DocumentInfo, Filters, Hit

SOCKET = "serve.sock"
# Characters of a line: a question, and an answer with the passages it is made from.
MAX_QUESTION, MAX_EVENT = 64 * 1024, 64 * 1024 * 1024
_EVENTS: dict[str, type[Event]] = {"hits": Retrieved, "token": Token, "answer": Answer}


def line(value: Mapping[str, Any]) -> bytes:
    """An object as it is sent."""
    return json.dumps(value, default=date.isoformat).encode() + b"\n"


def read(received: bytes) -> dict[str, Any]:
    """The object of a line. Raises ValueError."""
    value = json.loads(received)
    if not isinstance(value, dict):
        raise ValueError("an object is expected")
    return value


def event_out(event: Event) -> dict[str, Any]:
    """An event as it is sent."""
    name = next(name for name, kind in _EVENTS.items() if isinstance(event, kind))
    return {name: asdict(event)}


def error_out(problem: KbError) -> dict[str, Any]:
    """What went wrong, as it is sent."""
    return {"usage" if isinstance(problem, UsageError) else "error": str(problem)}


def event_in(received: Mapping[str, Any]) -> Event:
    """The event that was sent. Raises the error that was sent in its place."""
    ((name, value),) = received.items()
    match name:
        case "hits":
            return Retrieved(
                tuple(_hit(hit) for hit in value["hits"]), value["searched"], tuple(value["looked_for"])
            )
        case "token":
            return Token(value["text"])
        case "answer":
            return Answer(**value | {
                "hits": tuple(_hit(hit) for hit in value["hits"]),
                "citations": tuple(_citation(one) for one in value["citations"]),
                "looked_for": tuple(value["looked_for"]),
                "sentences": tuple(Sentence(s["text"], tuple(s["cites"]), s["supported"]) for s in value["sentences"]),
            })  # fmt: skip
        case "usage":
            raise UsageError(value)
    raise KbError(value)


def filters_in(received: Mapping[str, Any]) -> Filters:
    """The filters that were sent. Raises ValueError or TypeError."""
    days = {name: received[name] and date.fromisoformat(received[name]) for name in ("after", "before")}
    return Filters(**{**received, "kinds": tuple(received["kinds"]), **days})


def _hit(value: dict[str, Any]) -> Hit:
    copies = tuple(Copy(copy["ref"], _info(copy["info"])) for copy in value["copies"])
    return Hit(**value | {"info": _info(value["info"]), "heading": tuple(value["heading"]), "copies": copies})


def _citation(value: dict[str, Any]) -> Citation:
    return Citation(**value | {"info": _info(value["info"]), "heading": tuple(value["heading"])})


def _info(value: dict[str, Any]) -> DocumentInfo:
    lists = {name: tuple(value[name]) for name in ("recipients", "references")}
    return DocumentInfo(**value | lists)
