"""`kb ask` uses a server of the same knowledge base that runs already, and nobody can tell but by the time."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers import SMALL_MODEL, kb
from hypothesis import given
from hypothesis import strategies as st
from serving import served

from generation.types import Answer, Citation, Retrieved, Sentence, Token
from kb import KnowledgeBase
from kb.server import wire
from kb.server.client import ask_server
from retrieval.errors import KbError, StoreError, UsageError
from retrieval.types import Copy, DocumentInfo, Filters, Hit

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no such sockets here")
QUESTION = "How long do we keep support tickets?"
ASKED = {"k": None, "filters": Filters(), "long": False, "model": SMALL_MODEL}

texts = st.text(max_size=8)
maybe = st.none() | texts
infos = st.builds(
    DocumentInfo, doc=texts, part=texts, kind=st.just("mail"), title=texts, author=maybe,
    recipients=st.lists(texts, max_size=2).map(tuple), date=maybe, references=st.lists(texts, max_size=2).map(tuple),
)  # fmt: skip
hits = st.builds(
    Hit, rank=st.integers(), ref=texts, document_id=st.integers(), info=infos, start=st.integers(), end=st.integers(),
    text=texts, heading=st.lists(texts, max_size=2).map(tuple), page=st.none() | st.integers(), dense=st.floats(0, 1),
    evidence=st.dictionaries(texts, st.floats(-1, 1)), replaced_by=maybe,
    copies=st.lists(st.builds(Copy, ref=texts, info=infos), max_size=2).map(tuple),
)  # fmt: skip
citations = st.builds(
    Citation, n=st.integers(), ref=texts, info=infos, start=st.integers(), end=st.integers(), quote=texts,
    heading=st.lists(texts, max_size=2).map(tuple), verified=st.booleans(),
)  # fmt: skip
sentences = st.builds(
    Sentence, text=texts, cites=st.lists(st.integers(), max_size=2).map(tuple), supported=st.booleans()
)
answers = st.builds(
    Answer, question=texts, status=st.just("answered"), text=texts, model=texts, why=texts,
    citations=st.lists(citations, max_size=2).map(tuple), sentences=st.lists(sentences, max_size=2).map(tuple),
    hits=st.lists(hits, max_size=2).map(tuple), timings_ms=st.dictionaries(texts, st.floats(0, 1e6)),
)  # fmt: skip


@given(st.builds(Retrieved, st.lists(hits, max_size=2).map(tuple)) | st.builds(Token, texts) | answers)
def test_nothing_of_an_event_is_lost_on_the_way(event):
    assert wire.event_in(wire.read(wire.line(wire.event_out(event)))) == event


@given(
    st.builds(
        Filters, kinds=st.just(("mail", "pdf")), sender=maybe, after=st.none() | st.dates(), source=maybe
    )
)
def test_nothing_of_a_filter_is_lost_on_the_way(filters):
    assert wire.filters_in(wire.read(wire.line(asdict(filters)))) == filters


@pytest.mark.parametrize("error", [UsageError("the question is empty"), StoreError("it is damaged")])
def test_an_error_stays_the_kind_that_it_is(error):
    """Its kind is the exit code."""
    with pytest.raises(KbError, match=str(error)) as caught:
        wire.event_in(wire.read(wire.line(wire.error_out(error))))
    assert isinstance(caught.value, UsageError) == isinstance(error, UsageError)


@pytest.fixture(scope="module")
def folder(sample_folder, tmp_path_factory):
    """A knowledge base that no other test serves."""
    place = tmp_path_factory.mktemp("served") / "kb"
    shutil.copytree(sample_folder, place, ignore=shutil.ignore_patterns("*.sock"))
    return place


@pytest.fixture
def counted(monkeypatch):
    """How many answers servers of this process have made."""
    made = []
    real = KnowledgeBase.answer_stream
    monkeypatch.setattr(KnowledgeBase, "answer_stream", lambda *a, **k: made.append(1) or real(*a, **k))
    return made


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--show-sources",),
        ("--quiet",),
        ("--long", "--k", "3"),
        ("--kind", "wiki", "--from", "Priya"),
        ("--after", "2030"),
    ],
)
def test_the_command_shows_the_same_with_and_without_a_server(folder, counted, options):
    command = ("ask", QUESTION, "--kb", folder, "--model", SMALL_MODEL, *options)
    without = kb(*command)
    with served(folder):
        through = kb(*command)
    assert counted == [1]
    assert (through.returncode, through.stdout, through.stderr) == (
        without.returncode, without.stdout, without.stderr,
    )  # fmt: skip


def test_the_json_is_the_same_but_for_the_times(folder, counted):
    command = ("ask", QUESTION, "--kb", folder, "--model", SMALL_MODEL, "--json")
    without = json.loads(kb(*command).stdout)
    with served(folder):
        through = json.loads(kb(*command).stdout)
    assert counted == [1] and without.pop("timings_ms").keys() == through.pop("timings_ms").keys()
    assert without == through


def test_errors_are_the_same(folder):
    command = ("ask", " ", "--kb", folder, "--model", SMALL_MODEL)
    with served(folder):
        through = kb(*command)
    assert (through.returncode, through.stderr) == (2, kb(*command).stderr)


def test_a_server_with_another_model_is_not_asked(folder):
    with served(folder):
        assert ask_server(folder, QUESTION, **ASKED | {"model": "another"}) is None


def test_a_server_of_another_version_is_not_asked(folder, monkeypatch):
    monkeypatch.setattr("kb.server.client.__version__", "0.0.0")
    with served(folder):
        assert ask_server(folder, QUESTION, **ASKED) is None


def test_only_the_owner_can_open_the_socket_and_it_goes_with_the_server(folder):
    file = folder / wire.SOCKET
    with served(folder):
        assert file.stat().st_mode & 0o777 == 0o600
        with served(folder):  # a second one leaves the place to the first
            pass
        events = ask_server(folder, QUESTION, **ASKED)
        assert isinstance(next(events), Retrieved)
        events.close()
    assert not file.exists()


def test_what_a_killed_server_left_is_removed_and_nothing_is_missed(tmp_path):
    file = tmp_path / wire.SOCKET
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(file))
    assert ask_server(tmp_path, QUESTION, **ASKED) is None
    assert not file.exists()


def test_a_server_takes_the_place_of_one_that_was_killed(folder):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / wire.SOCKET))
    with served(folder):
        events = ask_server(folder, QUESTION, **ASKED)
        assert isinstance(next(events), Retrieved)
        events.close()


def test_a_file_in_its_place_is_left_alone(tmp_path):
    (tmp_path / wire.SOCKET).write_text("mine")
    assert ask_server(tmp_path, QUESTION, **ASKED) is None
    assert (tmp_path / wire.SOCKET).read_text() == "mine"


@contextmanager
def listening(folder: Path, *lines: bytes):
    """A server that takes one connection, says these lines and goes."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / wire.SOCKET))
        bound.listen()

        def talk():
            connection, _ = bound.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(b"".join(lines))

        thread = threading.Thread(target=talk)
        thread.start()
        yield
        thread.join()


def test_a_server_that_dies_in_the_midst_is_said_in_a_sentence(tmp_path):
    token = wire.line(wire.event_out(Token("The")))
    with listening(tmp_path, wire.line({"accepted": True}), token, b'{"token": {"te'):
        events = ask_server(tmp_path, QUESTION, **ASKED)
        assert next(events) == Token("The")
        with pytest.raises(StoreError, match="ask again"):
            next(events)


@pytest.mark.parametrize("lines", [(), (b"nonsense\n",), (b"[1]\n",), (b'{"accepted": true}\n',)])
def test_a_server_that_does_not_take_the_question_is_none(tmp_path, lines):
    with listening(tmp_path, *lines):
        assert ask_server(tmp_path, QUESTION, **ASKED) is None


def test_a_server_that_hangs_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("kb.server.client._MOST_SILENCE", 0.1)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / wire.SOCKET))
        bound.listen()
        assert ask_server(tmp_path, QUESTION, **ASKED) is None


def test_what_is_no_question_does_not_harm_the_server(folder):
    with served(folder):
        for sent in (b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b"x" * 200_000, b'{"version": 1'):
            with socket.socket(socket.AF_UNIX) as connection, suppress(ConnectionError):
                connection.connect(str(folder / wire.SOCKET))
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(100) == b""
        events = ask_server(folder, QUESTION, **ASKED)
        assert isinstance(next(events), Retrieved)
        events.close()


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
def test_ctrl_c_leaves_the_server_and_frees_its_model(folder, monkeypatch):
    ended = threading.Event()

    def endless(*_, stop, **__):
        try:
            while not stop.is_set():
                time.sleep(0.01)
                yield Token("word ")
        finally:
            ended.set()

    monkeypatch.setattr(KnowledgeBase, "answer_stream", endless)
    with served(folder):
        process = subprocess.Popen(
            [sys.executable, "-m", "kb.main", "ask", QUESTION, "--kb", str(folder), "--model", SMALL_MODEL],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr.readline() == b"Reading\n"
        assert not ended.is_set()
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(60) == 130
        assert ended.wait(60)
