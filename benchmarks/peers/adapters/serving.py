"""What the adapters share: one JSON request a line on stdin, one JSON reply a line on stdout.

An adapter runs in the environment of what it adapts, so this module needs the standard library only. Requests are
`{"do": "ingest"}`, `{"do": "search", "question": …, "k": …}` and `{"do": "ask", "question": …}`; whatever else is
printed goes to stderr.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """What to work on. `documents` is a folder of files, `index` a folder to fill, `embedder` the folder of a
    sentence-transformers model, `llm` a GGUF file, `setting` either `default` or `best`."""

    documents: Path
    index: Path
    embedder: Path
    llm: Path
    setting: str

    @property
    def best(self) -> bool:
        """Whether the best documented setting is asked for rather than the defaults."""
        return self.setting == "best"


@dataclass(frozen=True, slots=True)
class Passage:
    """What a search found: the name of the document's file, and whatever of the rest is known. `start` and `end` count
    code points of the file's text; `copies` are the Message-IDs of messages that the passage stands for too."""

    document: str
    text: str
    score: float | None = None
    page: int | None = None
    start: int | None = None
    end: int | None = None
    message_id: str | None = None
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its text, the files it names as its sources, and the tokens read and written. `refused` is None when
    that can be told by the text only."""

    text: str
    documents: Sequence[str]
    tokens: int | None = None
    refused: bool | None = None


class Adapter(Protocol):
    """What is compared. Made once a process; models and the index are loaded when they are first needed."""

    version: str

    def ingest(self) -> int:
        """Indexes the job's documents; the number of chunks."""

    def search(self, question: str, k: int) -> Sequence[Passage]:
        """The `k` best passages, the best first."""

    def ask(self, question: str) -> Reply:
        """An answer by the language model."""


def keep_weights_as_they_are() -> None:
    """Keeps llama.cpp from repacking the weights while it loads them, as kb does: repacked for AMX they end the process
    with a segmentation fault in builds by GCC 12 (ggml-org/llama.cpp issue 20824)."""
    import llama_cpp.llama_cpp as library

    default = library.llama_model_default_params

    def changed() -> Any:
        parameters = default()
        parameters.use_extra_bufts = False
        return parameters

    library.llama_model_default_params = changed


def serve(make: Callable[[Job], Adapter]) -> None:
    """Answers requests until stdin ends."""
    parser = argparse.ArgumentParser()
    for name in ("documents", "index", "embedder", "llm"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--setting", choices=("default", "best"), required=True)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not end up among the replies
    adapter = make(Job(**vars(parser.parse_args())))
    for line in sys.stdin:
        request = json.loads(line)
        started, busy = time.perf_counter(), time.process_time()
        reply = _reply(adapter, request)
        reply |= {"seconds": time.perf_counter() - started, "cpu": time.process_time() - busy}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _reply(adapter: Adapter, request: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "ingest":
        return {"chunks": adapter.ingest(), "version": adapter.version}
    if request["do"] == "search":
        return {"passages": [asdict(found) for found in adapter.search(request["question"], request["k"])]}
    return asdict(adapter.ask(request["question"]))
