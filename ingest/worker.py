"""Reads files in a child process, so that what strangers wrote can neither crash, hang nor fill the ingest.

The child is started once, with the first file, and reads file after file; `ingest.readers` has several of them at
work while the parent embeds. A file that takes too long, too much memory, or kills the child costs itself only: the
child is started anew. What comes back is JSON: unlike a pickle it can't make the parent do anything, not even when a
file has taken the child over.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Full, Queue
from typing import IO, Any

from ingest.document import Document, PartFailure, dump_layout, load_layout
from retrieval.errors import KbError, LoadError
from retrieval.types import DocumentInfo

# How long the parent may wait for the child over one file, the time that it does something else not counted. The
# slowest honest files measured (a 550-page report, on one busy core) take 2 s and 1 s a MB; this is 30 times that.
SECONDS_PER_FILE = 60.0
SECONDS_PER_MB = 10.0
# Address space of the child. Reading the largest of 31 company reports takes 0.4 GB; libraries map about 0.5 GB.
MAX_BYTES = 3 * 2**30
# Documents that the child may be ahead of the one who asked it.
_AHEAD = 2
# One document in JSON; its text has at most 64 million characters, of up to 6 bytes each as `\uXXXX`.
_MAX_ANSWER = 512 * 2**20
_START_SECONDS = 60.0
_CRASHED = "it made the reader crash: the file is damaged or made to do so"
_TOO_BIG = f"reading it takes more than {MAX_BYTES >> 30} GB of memory: it is too large, or made to do so"

# The child imports the code that the parent runs, wherever that lies; -P, so that a folder named "ingest" where the
# user happens to be is not imported in its place.
_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from ingest.worker import main; main(int(sys.argv[2]))"

_Answer = list[
    Any
]  # ["document", …], ["failure", part, reason], ["done"], ["error", reason], ["ready"] or ["died"]


class ReaderProcess:
    """The child process. Use as a context manager; only `end` may come from another thread."""

    def __init__(self, seconds_per_file: float = SECONDS_PER_FILE) -> None:
        self._seconds = seconds_per_file
        self._child: _Child | None = None
        self._ended = False

    def __enter__(self) -> "ReaderProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def load(self, path: Path, doc: str) -> Iterator[Document | PartFailure]:
        """What the file's loader yields, read in the child. Raises LoadError with the loader's reason, or when
        the child crashed or took too long."""
        child = self._child = self._child or _Child()
        if self._ended:  # while it started
            self._stop()
            raise LoadError(_CRASHED)
        patience = self._seconds + SECONDS_PER_MB * _megabytes(path)
        finished = False
        try:
            child.ask([os.fsdecode(path.absolute()), doc])
            while True:
                asked = time.monotonic()
                kind, *values = child.answer(patience)
                patience = max(patience - (time.monotonic() - asked), 0.1)
                if kind == "document":
                    yield _unpacked(values)
                elif kind == "failure":
                    yield PartFailure(*values)
                else:
                    finished = kind in ("done", "error")
                    if kind == "done":
                        return
                    raise LoadError(values[0] if kind == "error" else _CRASHED)
        except Empty:
            raise LoadError("reading it took too long and was given up: it may be made to do so") from None
        except BrokenPipeError:
            raise LoadError(_CRASHED) from None
        finally:
            if not finished:  # the rest of the answer would be taken for that of the next file
                self._stop()

    def end(self) -> None:
        """Ends the child, and lets none be started again; also from another thread, for which its file then counts as
        crashed."""
        self._ended = True
        self._stop()

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()


class _Child:
    """A running child, and the thread that takes what it says."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-P", "-c", _CODE, str(root), str(os.getpid())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._answers: Queue[_Answer] = Queue(_AHEAD)
        self._receiver = threading.Thread(target=_receive, args=(self._stdout, self._answers), daemon=True)
        self._receiver.start()
        try:
            ready = self._answers.get(timeout=_START_SECONDS) == ["ready"]
        except Empty:
            ready = False
        if not ready:
            self.kill()
            raise KbError(
                "the process that reads documents does not start: is there memory left, and is kb installed whole?"
            )

    def ask(self, request: list[str]) -> None:
        _write(self._stdin, request)

    def answer(self, seconds: float) -> _Answer:
        """The next answer. Raises Empty when there is none within that time."""
        return self._answers.get(timeout=seconds)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        while self._receiver.is_alive():  # it may wait for room in the queue
            try:
                self._answers.get(timeout=0.01)
            except Empty:
                continue
        # For another thread that waits for an answer; what the receiver said of it may just have been taken.
        with suppress(Full):
            self._answers.put_nowait(["died"])
        self._stdout.close()
        try:
            self._stdin.close()
        except BrokenPipeError:  # what was still to be flushed
            return


def _receive(stdout: IO[bytes], answers: "Queue[_Answer]") -> None:
    """Puts what the child says into the queue, until it ends, perhaps in mid-sentence, or talks nonsense."""
    try:
        while True:
            answers.put(_read(stdout))
    except (EOFError, OSError, ValueError, TypeError):
        answers.put(["died"])


def _write(stream: IO[bytes], message: _Answer) -> None:
    """A message as its length and JSON (ASCII, so that paths that are no Unicode pass)."""
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def _read(stream: IO[bytes]) -> _Answer:
    """The next message. Raises EOFError at the end, and ValueError for what is none."""
    size = int.from_bytes(stream.read(4), "big")
    if not size:
        raise EOFError
    if size > _MAX_ANSWER:
        raise ValueError("a message is too long")
    message = json.loads(stream.read(size))
    if not isinstance(message, list) or not message:
        raise ValueError("a message is a list")
    return message


def _packed(document: Document) -> _Answer:
    return ["document", asdict(document.info), document.text, dump_layout(document.blocks)]


def _unpacked(values: list[Any]) -> Document:
    info, text, layout = values
    lists = {name: tuple(info[name]) for name in ("recipients", "references")}
    return Document(DocumentInfo(**(info | lists)), text, load_layout(layout))


def _megabytes(path: Path) -> float:
    """The size of a file, or of the messages in a Maildir."""
    try:
        if not path.is_dir():
            return path.stat().st_size / 2**20
        return sum(file.stat().st_size for sub in ("cur", "new") for file in (path / sub).iterdir()) / 2**20
    except OSError:  # the loader will say so
        return 0.0


def main(parent: int) -> None:
    """The child: reads the files it is told to, until there is nobody to tell it (also when the parent was killed)."""
    _bound(parent)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not speak into the answers
    _write(answers, ["ready"])
    while True:
        try:
            path, doc = _read(sys.stdin.buffer)
        except EOFError:
            return
        for answer in _answers(Path(path), doc):
            _write(answers, answer)


def _answers(path: Path, doc: str) -> Iterator[_Answer]:
    from ingest.loaders import loader_for, understood

    try:
        loader = loader_for(path)
        if loader is None:
            raise LoadError("no loader reads files of this kind")
        with understood():
            for item in loader(path, doc):
                yield _packed(item) if isinstance(item, Document) else ["failure", item.part, item.reason]
    except LoadError as error:
        yield ["error", str(error)]
    except MemoryError:
        yield ["error", _TOO_BIG]
    except OSError as error:
        yield ["error", f"it can't be read: {error.strerror or error}"]
    else:
        yield ["done"]


def _bound(parent: int) -> None:
    """Limits the child's memory, leaves Ctrl-C to the parent, and ends the child with its parent."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # PR_SET_PDEATHSIG, prctl(2): a child in the middle of a file does not see its input end.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
