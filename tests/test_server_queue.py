"""Who comes first is answered first, no search waits for an answer, and who leaves frees the model."""

import asyncio
import http.client
import json
import threading
import time

import pytest
from serving import begun, events, request, served

from generation.types import Token
from kb import KnowledgeBase
from kb.server import service as service_module
from kb.server.owner import Busy, Owner

COMPLETION = {"model": "kb", "messages": [{"role": "user", "content": "what was the Q3 decision"}]}
WAYS = [
    ("/api/ask", {"question": "what was the Q3 decision"}),
    ("/v1/chat/completions", COMPLETION | {"stream": True}),
    ("/v1/chat/completions", COMPLETION),
]


@pytest.fixture
def owner(tmp_path):
    KnowledgeBase.open(tmp_path, create=True).close()
    owner = Owner(tmp_path, 4)
    yield owner
    owner.close()


class Endless:
    """An answer that never comes to its end by itself, in place of the real ones."""

    def __init__(self, monkeypatch, words=True):
        self.begun, self.ended, self.words = threading.Event(), threading.Event(), words
        monkeypatch.setattr(KnowledgeBase, "answer_stream", self)

    def __call__(self, *_, stop, **__):
        self.begun.set()
        try:
            while not stop.is_set():
                time.sleep(0.01)
                if self.words:
                    yield Token("word")
        finally:
            self.ended.set()


@pytest.mark.parametrize(("path", "body"), WAYS, ids=["ask", "stream", "completion"])
@pytest.mark.parametrize("words", [True, False], ids=["while it writes", "while it reads"])
def test_a_client_that_leaves_frees_the_model(sample_folder, monkeypatch, path, body, words):
    """Also one that leaves before there is a word to send to it."""
    answer = Endless(monkeypatch, words)
    with served(sample_folder) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        assert answer.begun.wait(60) and not answer.ended.is_set()
        connection.close()
        assert answer.ended.wait(30)


def test_who_leaves_in_the_midst_of_the_prompt_is_forgotten_and_the_next_is_answered(sample_port):
    question = {"question": "what was the Q3 decision " * 60}
    with begun(sample_port, "POST", "/api/ask", question) as response:
        assert response.readline() == b"event: hits\n"
    status, text = request(sample_port, "POST", "/api/ask", {"question": "what was the Q3 decision"})
    assert status == 200 and events(text)[-1][0] == "answer"


def test_passages_and_searches_do_not_wait_for_an_answer_that_is_made(sample_folder, monkeypatch):
    answer = Endless(monkeypatch)
    ask = {"question": "what was the Q3 decision"}
    with (
        served(sample_folder) as port,
        begun(port, "POST", "/api/ask", ask),
        begun(port, "POST", "/api/ask", ask) as second,
    ):
        assert answer.begun.wait(60)
        assert second.readline() == b"event: hits\n" and json.loads(second.readline()[6:])["hits"]
        assert request(port, "GET", "/api/search?q=Q3")[0] == 200
        assert not answer.ended.is_set()


def test_questions_are_answered_in_the_order_of_their_coming(sample_port):
    """Also when they come faster than they are answered, and in three ways at once."""
    done, threads = [], []

    def ask(number):
        path, body = WAYS[number % 3]
        status, text = request(sample_port, "POST", path, body)
        done.append((number, status, text))

    for number in range(4):
        threads.append(threading.Thread(target=ask, args=(number,)))
        threads[-1].start()
        time.sleep(0.3)
    for thread in threads:
        thread.join()
    assert [status for _, status, _ in done] == [200] * 4
    assert [number for number, _, _ in done] == sorted(number for number, _, _ in done)


def test_too_many_waiting_questions_are_refused_at_once_with_429(sample_folder, monkeypatch):
    answer = Endless(monkeypatch)
    monkeypatch.setattr(service_module, "MAX_ASKS", 1)
    path, body = WAYS[0]
    with served(sample_folder) as port, begun(port, "POST", path, body) as first:
        assert answer.begun.wait(60)
        with begun(port, "POST", path, body) as second:
            assert first.status == second.status == 200
            status, text = request(port, "POST", path, body)
            assert status == 429 and json.loads(text).keys() == {"error"}
        answer.ended.clear()  # the second has left, and keeps no place
        while True:
            with begun(port, "POST", path, body) as third:
                if third.status == 200:
                    break


def test_a_job_that_nobody_wants_before_it_begins_is_not_done(owner):
    gate, begun_too_late = threading.Event(), threading.Event()

    def noted(*_):
        begun_too_late.set()
        yield Token("word")

    async def leave_early():
        first = asyncio.ensure_future(owner.call(lambda _: gate.wait(30)))
        await asyncio.sleep(0)
        owner.stream(noted).stop()
        gate.set()
        await first
        await owner.call(lambda _: None)

    asyncio.run(leave_early())
    assert not begun_too_late.is_set()


def test_who_left_keeps_no_place_in_a_full_queue(owner):
    gate = threading.Event()

    async def crowd():
        running = asyncio.ensure_future(owner.call(lambda _: gate.wait(30)))
        await asyncio.sleep(0.1)
        waiting = [owner.stream(lambda *_: iter(())) for _ in range(4)]
        with pytest.raises(Busy):
            owner.stream(lambda *_: iter(()))
        waiting[0].stop()
        owner.stream(lambda *_: iter(()))
        gate.set()
        await running

    asyncio.run(crowd())


def test_a_server_that_closes_ends_the_answers_under_way(sample_folder, monkeypatch):
    """Ctrl-C must not wait for a model."""
    answer = Endless(monkeypatch)
    with served(sample_folder) as port:
        thread = threading.Thread(target=request, args=(port, "POST", *WAYS[2]))
        thread.start()
        assert answer.begun.wait(60)
    assert answer.ended.is_set()
    thread.join(60)
    assert not thread.is_alive()
