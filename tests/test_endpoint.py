"""Answers by a model behind an OpenAI-compatible endpoint: llama.cpp's own server, and servers that misbehave."""

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from helpers import SMALL_MODEL, assert_one_sentence, kb, model_path

from generation.endpoint import KEY, EndpointModel, is_endpoint, is_local, where_it_goes
from generation.types import Token
from kb import KnowledgeBase
from retrieval.errors import ModelError, UsageError


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


# As `LocalModel` loads them: repacked weights crash some builds.
_SERVE = """
from generation.llm import _weights_as_they_are
from llama_cpp.server.__main__ import main
with _weights_as_they_are():
    main()
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of llama.cpp's server with the small model."""
    port = free_port()
    log = tmp_path_factory.mktemp("endpoint") / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, "--model", str(model_path(SMALL_MODEL)),
             "--model_alias", "small", "--n_ctx", "2048", "--port", str(port)],
            stdout=out, stderr=out,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/v1"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{url}/models", timeout=5).close()
                break
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.3)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.terminate()
        process.wait(10)


class Wilful(BaseHTTPRequestHandler):
    """Answers as the server's `script` says, the last line again and again; notes what was asked."""

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked, script = self.server.asked, self.server.script
        asked.append(
            (
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(body or b"null"),
            )
        )
        status, headers, sent = script[min(len(asked), len(script)) - 1]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def wilful() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Wilful) as server:
        server.asked, server.script = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def at(server: ThreadingHTTPServer) -> EndpointModel:
    return EndpointModel(f"http://127.0.0.1:{server.server_address[1]}/v1#some-model")


def said(*pieces: str) -> bytes:
    """A whole stream that says these pieces."""
    chunks = [{"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
               "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]  # fmt: skip
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + b"data: [DONE]\n\n"


STREAM = {"content-type": "text/event-stream"}
DOWN = (503, {"content-type": "application/json", "retry-after": "0"}, b'{"error": {"message": "loading"}}')


def text_of(model: EndpointModel, **more: object) -> str:
    return "".join(piece.text for piece in model.complete(model.prompt("Answer.", "Why?"), 20, **more))


def test_a_real_endpoint_answers_with_citations_that_are_true_spans(endpoint, world):
    with KnowledgeBase.open(world / "base") as base:
        *events, answer = base.ask_stream("how many EUR are set aside for the launch", model=endpoint)
        assert answer.status == "answered" and "42,000" in answer.text and answer.citations
        for cited in answer.citations:
            assert base.show(cited.ref).text[cited.start : cited.end] == cited.quote
    assert any(isinstance(event, Token) for event in events)
    assert answer.model == f"small at {endpoint}" and answer.to_json()["route"]["tier"] == "endpoint"


def test_closing_the_answer_frees_the_endpoint_for_the_next_question(endpoint):
    model = EndpointModel(endpoint)
    pieces = model.complete(model.prompt("Count.", "Count to one thousand."), 300)
    next(pieces)
    pieces.close()
    assert "Paris" in "".join(
        p.text for p in model.complete(model.prompt("Answer.", "The capital of France?"), 20)
    )
    model.close()


def test_the_commands_name_the_endpoint_and_doctor_asks_it(endpoint, world, tmp_path):
    own = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert kb("config", "set", "model", endpoint, environment=own).returncode == 0
    status = kb("status", "--kb", world / "base", environment=own)
    assert f"answers with  {endpoint} (an endpoint on this machine)" in status.stdout
    doctor = kb("doctor", "--kb", world / "base", environment=own)
    assert f"endpoint: small at {endpoint}; an endpoint on this machine" in doctor.stdout


def test_an_endpoint_elsewhere_is_called_what_it_is(world, tmp_path):
    """The promise is that nothing leaves the machine: who breaks it on purpose is told, in a line."""
    own = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert kb("config", "set", "model", "http://llm.example:8000/v1", environment=own).returncode == 0
    status = kb("status", "--kb", world / "base", environment=own)
    assert "questions and the passages found for them leave this machine, unencrypted" in status.stdout


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000/v1", True), ("http://localhost/v1", True), ("http://[::1]:80/v1", True),
        ("http://127.8.8.8/v1", True), ("http://0.0.0.0/v1", False), ("http://10.0.0.5/v1", False),
        ("https://api.example.com/v1", False), ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False), ("http://127.0.0.1@example.com/v1", False),
    ],
)  # fmt: skip
def test_what_counts_as_this_machine(url, local):
    assert is_endpoint(url) and is_local(url) == local
    assert ("leave this machine" in where_it_goes(url)) != local


@pytest.mark.parametrize("name", ["qwen2.5-coder-1.5b", "/models/a.gguf", "hf:org/repository/file.gguf"])
def test_names_of_local_models_are_no_endpoints(name):
    assert not is_endpoint(name)


@pytest.mark.parametrize(
    "url", ["http://", "http:///v1", "http://me:secret@host/v1", "https://host/v1?key=secret"]
)
def test_an_address_that_is_none_or_holds_a_key_is_refused(url):
    with pytest.raises(UsageError) as raised:
        EndpointModel(url)
    assert_one_sentence(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("text", ["<|im_end|>", "</s><s>", "[/INST]", "<start_of_turn>model", "<｜User｜>"])
def test_control_tokens_in_a_document_can_not_end_a_turn(text):
    user = EndpointModel("http://127.0.0.1/v1").prompt("", f"a mail says {text} and 3 < 5").user
    assert text not in user and "3 < 5" in user


def test_a_server_that_is_busy_is_asked_again(wilful):
    wilful.script = [DOWN, DOWN, (200, STREAM, said("Because", " of it."))]
    assert text_of(at(wilful)) == "Because of it."
    assert len(wilful.asked) == 3


def test_a_refusal_is_told_before_anything_is_shown(wilful):
    wilful.script = [(200, STREAM, said("N", "OT", " FOUND"))]
    told: list[float] = []
    assert text_of(at(wilful), may_begin=lambda refusal: told.append(refusal) or refusal < 0.5) == ""
    assert told == [1.0]
    wilful.script = [(200, STREAM, said("Not", "hing was decided."))]
    assert text_of(at(wilful), may_begin=lambda refusal: refusal < 0.5) == "Nothing was decided."


def test_the_key_comes_from_the_environment(wilful, monkeypatch):
    wilful.script = [(200, STREAM, said("Yes."))]
    monkeypatch.setenv(KEY, "of-the-user")
    text_of(at(wilful))
    path, headers, asked = wilful.asked[0]
    assert path == "/v1/chat/completions" and headers["authorization"] == "Bearer of-the-user"
    assert asked["model"] == "some-model" and asked["temperature"] == 0


def test_a_redirect_takes_nothing_elsewhere(wilful):
    with ThreadingHTTPServer(("127.0.0.1", 0), Wilful) as elsewhere:
        elsewhere.asked, elsewhere.script = [], [(200, STREAM, said("Yes."))]
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        wilful.script = [(307, {"location": f"http://127.0.0.1:{elsewhere.server_address[1]}/"}, b"")]
        with pytest.raises(ModelError):
            text_of(at(wilful))
        elsewhere.shutdown()
    assert elsewhere.asked == []


def test_a_proxy_of_the_environment_is_not_told_what_is_meant_for_this_machine(wilful, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    wilful.script = [(200, STREAM, said("Yes."))]
    assert text_of(at(wilful)) == "Yes."


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ((401, {"content-type": "application/json"}, b'{"error": {"message": "no"}}'), f"environment variable {KEY}"),
        ((404, {"content-type": "application/json"}, b'{"error": {"message": "no such\\nmodel"}}'), "refused (404"),
        ((200, STREAM | {"content-length": "100000"}, said("Bec", "ause")[:-16]), "broke off"),
        ((200, STREAM, b"data: {]\n\n"), "broke off"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_sentence(wilful, script, says):
    wilful.script = [script]
    with pytest.raises(ModelError) as raised:
        text_of(at(wilful))
    assert_one_sentence(raised.value)
    assert says in str(raised.value)


def test_nobody_at_the_address_is_one_sentence_and_exit_code_3(world):
    done = kb(
        "ask",
        "what is the launch plan",
        "--kb",
        world / "base",
        "--model",
        f"http://127.0.0.1:{free_port()}/v1",
    )
    assert done.returncode == 3 and "can't be reached: start it" in done.stderr
