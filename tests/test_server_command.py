"""`kb serve`, as a process of its own."""

import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from helpers import kb
from serving import request

from kb import KnowledgeBase


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty") / "kb"
    KnowledgeBase.open(folder, create=True).close()
    return folder


@contextmanager
def serving(folder, *options):
    """The first line of a server on a free port, which is stopped as Ctrl-C stops it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kb.main", "serve", "--kb", str(folder), "--port", "0", *options],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process.stderr.readline()
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[1]
    assert "Traceback" not in rest and process.returncode in (0, 130)


def test_who_listens_for_other_machines_gets_a_token(folder):
    with serving(folder, "--host", "0.0.0.0") as line:
        port, token = re.search(r"http://0\.0\.0\.0:(\d+)/#token=(\w{32}) ", line).groups()
        assert request(int(port), "GET", "/api/status")[0] == 401
        headers = {"Authorization": f"Bearer {token}"}
        assert request(int(port), "GET", "/api/status", headers=headers)[0] == 200


def test_on_this_machine_alone_no_token_is_needed_but_can_be_named(folder):
    with serving(folder) as line:
        port = re.search(r"http://127\.0\.0\.1:(\d+)/ ", line)[1]
        assert request(int(port), "GET", "/api/status")[0] == 200
    with serving(folder, "--token", "0123456789abcdef") as line:
        port = re.search(r":(\d+)/#token=0123456789abcdef ", line)[1]
        assert request(int(port), "GET", "/api/status")[0] == 401


def test_what_can_not_be_served_is_said_in_a_sentence(folder, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = kb("serve", "--kb", folder, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2 and "name another --port" in done.stderr
    done = kb("serve", "--kb", folder, "--token", "short")
    assert done.returncode == 2 and "16 or more" in done.stderr
    assert kb("serve", "--kb", tmp_path / "none").returncode == 3
