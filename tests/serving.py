"""A server in this process, for tests that talk to it over real connections."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from helpers import SMALL_MODEL

from kb.server.access import Access
from kb.server.app import create_app
from kb.server.service import Service

ANYBODY_HERE = Access()


@contextmanager
def served(folder: Path, access: Access = ANYBODY_HERE, model: str = SMALL_MODEL) -> Iterator[int]:
    """The port of a server for the knowledge base in `folder`."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        app = create_app(Service(folder, model), access)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def request(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """The status and text of an answer."""
    with begun(port, method, path, body, headers) as response:
        return response.status, response.read().decode()


@contextmanager
def begun(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Iterator[http.client.HTTPResponse]:
    """An answer whose head has come; the client leaves at the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    data = None if body is None else json.dumps(body)
    connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    try:
        yield response
    finally:
        response.close()
        connection.close()


def events(text: str) -> list[tuple[str, Any]]:
    """The names and data of server-sent events."""
    parts = [part.splitlines() for part in text.split("\n\n") if part]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in parts]
