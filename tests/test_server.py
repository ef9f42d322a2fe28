"""The server, over real connections."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from helpers import SMALL_MODEL

from generation.types import Token
from kb import KnowledgeBase
from kb.server import app as server_app
from kb.server.owner import Owner


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The port of a server for the knowledge base in `folder`."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        app = server_app.create_app(folder, SMALL_MODEL)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port(sample_kb: KnowledgeBase) -> Iterator[int]:
    with served(sample_kb.folder) as port:
        yield port


def request(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    data = None if body is None else json.dumps(body)
    connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def test_a_search_finds_what_the_command_finds_and_its_refs_open(port, sample_kb):
    status, text = request(port, "GET", "/api/search?q=Q3+decision&kind=wiki")
    hits = json.loads(text)["hits"]
    assert status == 200 and hits and {hit["kind"] for hit in hits} == {"wiki"}
    status, text = request(port, "GET", f"/api/show/{hits[0]['ref']}")
    assert status == 200 and json.loads(text) == sample_kb.show(hits[0]["ref"]).to_json()


def test_documents_and_status(port, sample_kb):
    listed = json.loads(request(port, "GET", "/api/documents")[1])["documents"]
    assert len(listed) == len(sample_kb.list())
    assert json.loads(request(port, "GET", "/api/status")[1])["documents"] == sample_kb.status().documents


def test_hits_come_first_and_the_checked_answer_last(port):
    status, text = request(port, "POST", "/api/ask", {"question": "what was the Q3 decision"})
    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert status == 200, text
    assert names[0] == "hits" and names[-1] == "answer" and set(names[1:-1]) <= {"token"}


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_pages_of_other_origins_are_refused(port, headers):
    status, text = request(port, "GET", "/api/documents", headers=headers)
    assert status == 403 and json.loads(text).keys() == {"error"}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/api/show/..%2f..%2fetc%2fpasswd", None, 404),
        ("GET", "/api/show/README.md", None, 422),
        ("GET", "/api/show/0000", None, 400),
        ("GET", "/api/search?q=", None, 400),
        ("GET", "/api/search?q=x&after=never", None, 400),
        ("GET", "/api/search?q=x&k=0", None, 422),
        ("POST", "/api/ask", {"question": " "}, 400),
        ("POST", "/api/ask", {"question": "x" * 3000}, 422),
        ("POST", "/api/ask", {"question": "x" * 70_000}, 413),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(port, method, path, body, expected):
    status, text = request(port, method, path, body)
    assert status == expected and json.loads(text).keys() == {"error"} and "Traceback" not in text


def test_the_page_may_load_and_run_only_what_is_served_with_it(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    response = connection.getresponse()
    page, policy = response.read().decode(), response.getheader("Content-Security-Policy")
    connection.close()
    assert response.status == 200 and policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert "<style" not in page and " style=" not in page and "<script>" not in page and "://" not in page
    for name in ("app.js", "style.css"):
        assert request(port, "GET", f"/{name}")[0] == 200
    assert "innerHTML" not in request(port, "GET", "/app.js")[1]


def test_a_reader_that_leaves_stops_the_model(tmp_path):
    KnowledgeBase.open(tmp_path, create=True).close()
    owner, ended = Owner(tmp_path, 4), threading.Event()

    def endless(_):
        try:
            while True:
                time.sleep(0.01)
                yield Token("word")
        finally:
            ended.set()

    async def read_one():
        async with aclosing(owner.stream(endless)) as events:
            return await anext(events)

    assert asyncio.run(read_one()) == Token("word")
    assert ended.wait(30)
    owner.close()


def test_a_job_whose_reader_left_before_it_began_is_not_done(tmp_path):
    KnowledgeBase.open(tmp_path, create=True).close()
    owner, gate, begun = Owner(tmp_path, 4), threading.Event(), threading.Event()

    def noted(_):
        begun.set()
        yield Token("word")

    async def leave_early():
        first = asyncio.ensure_future(owner.call(lambda _: gate.wait(30)))
        await asyncio.sleep(0)
        await owner.stream(noted).aclose()
        gate.set()
        await first

    asyncio.run(leave_early())
    owner.close()
    assert not begun.is_set()


def test_too_many_waiting_questions_are_refused_at_once_with_429(tmp_path, monkeypatch):
    KnowledgeBase.open(tmp_path, create=True).close()
    gate, begun = threading.Event(), threading.Event()

    def waits(*_, **__):
        begun.set()
        gate.wait(60)
        yield Token("word")

    monkeypatch.setattr(KnowledgeBase, "ask_stream", waits)
    monkeypatch.setattr(server_app, "_MAX_ASKS", 1)
    with served(tmp_path) as port:
        open_connections = []
        for _ in range(2):  # one that is answered, one that waits
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request(
                "POST", "/api/ask", json.dumps({"question": "why"}), {"Content-Type": "application/json"}
            )
            assert connection.getresponse().status == 200
            open_connections.append(connection)
            assert begun.wait(60)
        status, text = request(port, "POST", "/api/ask", {"question": "why"})
        gate.set()
        for connection in open_connections:
            connection.close()
    assert status == 429 and json.loads(text).keys() == {"error"}


def test_a_server_without_documents_says_what_to_do(tmp_path):
    KnowledgeBase.open(tmp_path, create=True).close()
    with served(tmp_path) as port:
        status, text = request(port, "GET", "/api/search?q=x")
    assert status == 503 and "kb ingest" in json.loads(text)["error"]
