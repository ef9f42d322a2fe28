"""Reads files in a child process, so that what strangers wrote can neither crash, hang nor fill the ingest.

The child is started once and reads file after file; while it parses the next one, the parent embeds. A file that
takes too long, too much memory, or kills the child costs itself only: the child is started anew.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from ingest.document import Document, PartFailure
from retrieval.errors import LoadError

# A 5,000-page report takes some 40 seconds; what takes longer than this for one document is no honest file.
SECONDS_PER_DOCUMENT = 120.0
# Address space of the child. A large PDF or mailbox needs some hundred MB; code and libraries map about 1 GB.
MAX_BYTES = 4 * 2**30
# Documents that the child may be ahead: enough to keep both cores busy, so few that no mailbox lies in memory.
_AHEAD = 64
_DONE, _DIED = "done", "died"


class ReaderProcess:
    """The child process. Use as a context manager, from one thread."""

    def __init__(self, seconds_per_document: float = SECONDS_PER_DOCUMENT) -> None:
        self._seconds = seconds_per_document
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Queue[Any] = Queue(_AHEAD)

    def __enter__(self) -> "ReaderProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def load(self, path: Path, doc: str) -> Iterator[Document | PartFailure]:
        """What the file's loader yields, read in the child. Raises LoadError with the loader's reason, or when
        the child crashed or took too long."""
        process = self._process or self._start()
        finished = False
        try:
            assert process.stdin is not None
            pickle.dump((path.absolute(), doc), process.stdin)
            process.stdin.flush()
            while True:
                item = self._answers.get(timeout=self._seconds)
                if item == _DIED:
                    raise LoadError("it made the reader crash: the file is damaged or malicious")
                finished = item == _DONE or isinstance(item, LoadError)
                if isinstance(item, LoadError):
                    raise item
                if finished:
                    return
                yield item
        except Empty:
            raise LoadError(
                f"reading it took more than {self._seconds:g} seconds: it may be malicious"
            ) from None
        except OSError:
            raise LoadError("it made the reader crash: the file is damaged or malicious") from None
        finally:
            if not finished:  # the rest of the answer would be taken for that of the next file
                self._stop()

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: a folder named "ingest" where the user happens to be must not be imported in place of ours.
        command = [sys.executable, "-P", "-m", "ingest.worker", str(os.getpid())]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._process, self._answers = process, Queue(_AHEAD)
        threading.Thread(target=_receive, args=(process.stdout, self._answers), daemon=True).start()
        return process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            while not self._answers.empty():  # lets a waiting receiver go
                self._answers.get_nowait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    _close(pipe)
            self._process = None


def _receive(stdout: IO[bytes], answers: "Queue[Any]") -> None:
    """Puts what the child says into the queue, until it ends."""
    try:
        while True:
            answers.put(pickle.load(stdout))
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # it ended, perhaps in mid-sentence
        answers.put(_DIED)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what was still to be flushed to a dead child
        return


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """The child: reads the files it is told to until `requests` ends (also when the parent was killed)."""
    while True:
        try:
            path, doc = pickle.load(requests)
        except EOFError:
            return
        for item in _read(path, doc):
            pickle.dump(item, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _read(path: Path, doc: str) -> Iterator[Document | PartFailure | LoadError | str]:
    from ingest.loaders import loader_for

    try:
        loader = loader_for(path)
        if loader is None:
            raise LoadError("no loader reads files of this kind")
        yield from loader(path, doc)
    except LoadError as error:
        yield LoadError(str(error))
    except MemoryError:
        yield LoadError(f"reading it takes more than {MAX_BYTES >> 30} GB of memory: it may be malicious")
    except RecursionError:
        yield LoadError("it is nested too deeply: it may be malicious")
    except OSError as error:
        yield LoadError(f"it can't be read: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  (a parser failing in its own way on a file not made for it: reported)
        yield LoadError(f"its contents can't be understood ({type(error).__name__}: {error})")
    else:
        yield _DONE


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


if __name__ == "__main__":
    _bound(int(sys.argv[1]))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not speak into the answers
    _serve(sys.stdin.buffer, out)
