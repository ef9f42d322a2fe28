"""`kb ask` through a server of the same knowledge base that is running already. Light: what it is for is speed."""

import os
import socket
import stat
from collections.abc import Generator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb import __version__
from kb.server import wire
from retrieval.errors import StoreError

if TYPE_CHECKING:
    from generation.types import Event
    from retrieval.types import Filters

# Seconds that a server has to say that it takes the question; one that hangs is none.
_MOST_SILENCE = 2.0


def ask_server(
    folder: Path, question: str, *, k: int | None, filters: "Filters", long: bool, model: str
) -> "Generator[Event, None, None] | None":
    """The events of `KnowledgeBase.ask_stream`, made by the server of the knowledge base in `folder`; None where none
    runs, or it is of another version, has another model or too much to do. Closing the iterator stops the model."""
    connection = _connected(folder / wire.SOCKET)
    if connection is None:
        return None
    asked = {"version": __version__, "question": question, "k": k, "filters": asdict(filters), "long": long,
             "model": model}  # fmt: skip
    lines = connection.makefile("rb")
    try:
        connection.sendall(wire.line(asked))
        if not wire.read(lines.readline(wire.MAX_QUESTION)):
            raise ValueError
        connection.settimeout(None)
        first = lines.readline(wire.MAX_EVENT)  # comes at once, or the server has no place for the question
        if not first:
            raise ValueError
    except (OSError, ValueError):
        lines.close()
        connection.close()
        return None
    return _events(connection, lines, first)


def _events(connection: socket.socket, lines: Any, first: bytes) -> "Generator[Event, None, None]":
    from generation.types import Answer

    with connection, lines:
        received = first
        while received:
            try:
                event = wire.event_in(wire.read(received))
            except ValueError:  # cut off in the midst of a line
                break
            yield event
            if isinstance(event, Answer):
                return
            received = lines.readline(wire.MAX_EVENT)
    raise StoreError("the server of this knowledge base stopped in the midst of the answer: ask again")


def _connected(file: Path) -> socket.socket | None:
    """A connection to a server of the same user. What a server that is gone has left behind is removed."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    try:
        found = file.lstat()
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.getuid():
            return None
    except OSError:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_MOST_SILENCE)
    try:
        connection.connect(str(file))
        return connection
    except ConnectionRefusedError:
        with suppress(OSError):
            if file.lstat().st_ino == found.st_ino:
                file.unlink()
    except OSError:
        pass
    connection.close()
    return None
