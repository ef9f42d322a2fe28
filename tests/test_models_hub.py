"""Models from the model hub, played by a server on this machine: what it sends is held to the pin, and what it does not
have, or no network at all, is one sentence."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import pin

from kb.model_store import ModelStore

pytestmark = pytest.mark.usefixtures("online")

GGUF = b"GGUF from the hub " * 1000


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves one file of one repository the way the hub does."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        if not self.path.startswith("/org/repository/resolve/main/model.gguf"):
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(GGUF).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(GGUF)))
        self.end_headers()
        if body:
            self.wfile.write(GGUF)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def models(folder: Path, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`kb models …` in a process of its own: the hub's library reads its settings once."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"KB_MODELS": str(folder), "HF_ENDPOINT": endpoint, "HF_HOME": str(folder.parent / "hf")}
    command = [sys.executable, "-m", "kb.main", "models", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done


def test_a_file_of_the_hub_is_fetched_listed_resolved_and_verified(tmp_path: Path, hub: str) -> None:
    name, folder = "hf:org/repository/model.gguf", tmp_path / "models"
    done = models(folder, hub, "pull", name)
    assert done.returncode == 0, done.stderr
    store = ModelStore(folder)
    assert store.resolve_llm(name).read_bytes() == GGUF
    assert store.extra() == [name]
    listed = json.loads(models(folder, hub, "list", "--json").stdout)["models"]
    assert [row["here"] for row in listed if row["name"] == name] == [True]
    assert models(folder, hub, "verify").stdout == f"{name}: good\n"
    store.resolve_llm(name).write_bytes(GGUF[:-1] + b"X")
    verified = models(folder, hub, "verify", name)
    assert verified.returncode == 3 and "model.gguf has SHA-256" in verified.stdout


@pytest.mark.parametrize("data", [GGUF, GGUF[:-1] + b"X"])
def test_what_the_hub_gives_is_held_to_the_pin(tmp_path: Path, hub: str, data: bytes) -> None:
    """A repository's owner may put another file under the name."""
    code = f"""
        from pathlib import Path
        from kb.catalogue import CATALOGUE, HubSource, Model
        from kb.model_store import ModelStore
        from helpers import pin
        pinned = pin("model.gguf", {data!r})
        CATALOGUE["tiny"] = Model("tiny", "llm", "", "", (pinned,), (HubSource("org/repository", "main"),))
        try:
            ModelStore(Path({str(tmp_path)!r})).pull("tiny")
        except Exception as error:
            print(type(error).__name__, error)
    """
    environment = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(
        command, env=environment, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    fetched = tmp_path / "tiny" / "model.gguf"
    if data == GGUF:
        assert done.stdout == "" and fetched.read_bytes() == GGUF
    else:
        assert done.stdout.startswith("ModelError") and pin("", data).sha256 in done.stdout
        assert not fetched.exists() and not (tmp_path / "tiny.partial" / "model.gguf").exists()


def test_what_the_hub_does_not_have_is_one_sentence(tmp_path: Path, hub: str) -> None:
    done = models(tmp_path / "models", hub, "pull", "hf:org/repository/other.gguf")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("kb: ")
    assert not ModelStore(tmp_path / "models").has("hf:org/repository/other.gguf")


@pytest.mark.parametrize("name", ["qwen2.5-1.5b", "hf:org/repository/model.gguf"])
def test_no_network_is_one_sentence_and_soon(tmp_path: Path, name: str) -> None:
    """A person on a train must not wait minutes to learn that there is no network."""
    started = time.monotonic()
    done = models(tmp_path / "models", "http://127.0.0.1:9", "pull", name)
    assert time.monotonic() - started < 20
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last.startswith("kb: ") and len(last) < 600
    assert "network" in last or "onnect" in last
    assert not ModelStore(tmp_path / "models").has(name)
