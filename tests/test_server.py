"""The server, over real connections."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from kb import KnowledgeBase
from kb.server.app import create_app
from tests.helpers import SMALL_MODEL


@pytest.fixture(scope="module")
def port(sample_kb: KnowledgeBase) -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(sample_kb.folder, SMALL_MODEL), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join()


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
