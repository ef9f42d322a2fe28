"""The socket in a knowledge base's folder, through which `kb ask` uses the server. Only its owner can open it."""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from generation.stop import Stopped
from kb import __version__
from kb.server.owner import Busy
from kb.server.service import Question, Service
from kb.server.wire import MAX_QUESTION, SOCKET, error_out, event_out, filters_in, line, read
from retrieval.errors import KbError

# Seconds that a question may take to come.
_MOST_QUESTION = 5


class LocalSocket:
    """Answers `kb ask` on this machine for as long as it is open."""

    def __init__(self, service: Service, bound: socket.socket, file: Path) -> None:
        self._service = service
        self._socket = bound
        self._file = file
        self._inode = file.stat().st_ino
        self._server: asyncio.Server | None = None

    @classmethod
    def bind(cls, service: Service) -> "LocalSocket | None":
        """Takes the place of the socket; None where there are no such sockets, the path is too long for one, or another
        server has the place."""
        if not hasattr(socket, "AF_UNIX"):
            return None
        file = service.folder / SOCKET
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if answers(file):
                raise OSError
            file.unlink(missing_ok=True)
            before = os.umask(0o177)  # it is nobody else's from the first moment on
            try:
                bound.bind(str(file))
            finally:
                os.umask(before)
            return cls(service, bound, file)
        except OSError:
            bound.close()
            return None

    async def open(self) -> None:
        """Begins to answer."""
        self._server = await asyncio.start_unix_server(self._talk, sock=self._socket, limit=MAX_QUESTION)

    def close(self) -> None:
        """Answers no more."""
        if self._server is not None:
            self._server.close()
        with suppress(OSError):
            if self._file.stat().st_ino == self._inode:
                self._file.unlink()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one question; stops when its asker leaves."""
        try:
            with suppress(ConnectionError, TimeoutError, ValueError, KeyError, TypeError, Busy):
                await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_MOST_QUESTION):
            received = read(await reader.readline())
        question = _question(received)
        if received["version"] != __version__ or received["model"] != self._service.model:
            return
        writer.write(line({"accepted": True}))
        try:
            asked = await self._service.ask(question)
        except KbError as problem:
            writer.write(line(error_out(problem)))
            return
        sending = asyncio.ensure_future(_send(asked.events(), writer))
        left = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({sending, left}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            asked.leave()
            left.cancel()
            sending.cancel()


async def _send(events: Any, writer: asyncio.StreamWriter) -> None:
    try:
        async for event in events:
            writer.write(line(event_out(event)))
            await writer.drain()
    except KbError as problem:
        writer.write(line(error_out(problem)))
    except Stopped:
        pass
    await writer.drain()


def _question(received: dict[str, Any]) -> Question:
    """The question of a line. Raises ValueError, KeyError or TypeError."""
    text, k, long = received["question"], received["k"], received["long"]
    if not (isinstance(text, str) and isinstance(long, bool) and isinstance(k, int | None)):
        raise TypeError
    return Question(text, k=k, filters=filters_in(received["filters"]), long=long)


def answers(file: Path) -> bool:
    """Whether a server listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(file))
        except OSError:
            return False
    return True
