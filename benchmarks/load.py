"""The server under load, on loopback: many searches at once, questions in a queue, some that are left, a warm `kb ask`.

    python -m benchmarks.load KB [--seconds N] [--write]

`KB` is the knowledge base of the sample documents. The server is a process of its own; the load comes from this one, on
the same cores.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from benchmarks.latency import cold
from benchmarks.scoring import write_section
from kb.evaluation.measures import median

_KB = [sys.executable, "-m", "kb.main"]
_SEARCHERS, _ASKERS = 100, 8
_QUESTIONS = Path(__file__).parents[1] / "sample_docs" / "questions.jsonl"
# No passage is near this one, so that it is answered in its turn without the model.
_NONSENSE = "zxqv brrgl wopfh"


@contextmanager
def served(kb: Path) -> Iterator[int]:
    """The port of a server whose models are loaded."""
    process = subprocess.Popen(
        [*_KB, "serve", "--kb", str(kb), "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = re.search(r":(\d+)/", process.stderr.readline())
        assert found is not None
        port = int(found[1])
        while True:
            try:
                list(asked(port, "what is this about"))
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def asked(port: int, question: str) -> Iterator[tuple[str, Any]]:
    """The events of an answer as they come; closing the iterator leaves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    with closing(connection):
        body = json.dumps({"question": question})
        connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        with connection.getresponse() as response:
            assert response.status == 200, response.read()
            while line := response.readline():
                name = line.decode().removeprefix("event: ").strip()
                yield name, json.loads(response.readline().decode().removeprefix("data: "))
                response.readline()


def searches(port: int, duration: float) -> tuple[list[float], int]:
    """Seconds of each search while so many clients search for that long, and the number of errors."""
    times: list[float] = []
    errors = 0
    end = time.perf_counter() + duration

    def search(words: str) -> None:
        nonlocal errors
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() < end:
            started = time.perf_counter()
            try:
                connection.request("GET", f"/api/search?q={words}")
                response = connection.getresponse()
                errors += not (response.status == 200 and json.loads(response.read())["hits"])
            except (OSError, http.client.HTTPException):
                errors += 1
            times.append(time.perf_counter() - started)
        connection.close()

    words = [quote_plus(question) for question in questions()]
    _together([(search, (words[n % len(words)],)) for n in range(_SEARCHERS)])
    return sorted(times), errors


def queue(port: int) -> tuple[list[float], bool, int]:
    """Seconds to the answer of each of some questions that are asked at once, whether they were answered in the order
    of their coming, and how many were."""
    done: list[tuple[int, float]] = []
    begun = time.perf_counter()

    def ask(number: int, question: str) -> None:
        *_, (name, _) = asked(port, question)
        if name == "answer":
            done.append((number, time.perf_counter() - begun))

    _together([(ask, asking) for asking in enumerate(questions()[:_ASKERS])], apart=0.05)
    return [at for _, at in done], [n for n, _ in done] == list(range(_ASKERS)), len(done)


def freed(port: int, until: str, patience: float = 0.0) -> float:
    """Seconds from leaving a question, so long after an event of its answer, until the next in the queue is answered,
    which needs no model."""
    words = " ".join(questions()[:12])[:1900]
    first = asked(port, words)
    while next(first)[0] != until:
        pass
    queued, answered = threading.Event(), list[float]()

    def ask() -> None:
        events = []
        for event in asked(port, _NONSENSE):
            events.append(event)
            queued.set()
        name, answer = events[-1]
        assert name == "answer" and not answer["usage"]["prompt_tokens"]
        answered.append(time.perf_counter())

    waiting = threading.Thread(target=ask)
    waiting.start()
    queued.wait()
    time.sleep(patience)
    assert not answered
    left = time.perf_counter()
    first.close()  # type: ignore[attr-defined]
    waiting.join()
    return answered[0] - left


def questions() -> list[str]:
    """The sample questions."""
    return [json.loads(line)["question"] for line in _QUESTIONS.read_text("utf-8").splitlines()]


def _together(work: list[Any], apart: float = 0.0) -> None:
    threads = [threading.Thread(target=target, args=arguments) for target, arguments in work]
    for thread in threads:
        thread.start()
        time.sleep(apart)
    for thread in threads:
        thread.join()


def ask_timeline(kb: Path, question: str) -> dict[str, float]:
    """Seconds from the start of `kb ask` to the passages on stderr and to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [*_KB, "ask", question, "--kb", str(kb)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    shown = 0.0
    while line := process.stderr.readline():
        if line.lstrip().startswith(b"1. "):
            shown = time.perf_counter() - started
    process.wait()
    return {"passages": shown, "whole": time.perf_counter() - started}


def first_word(kb: Path, question: str) -> tuple[float, int]:
    """Seconds from the start of `kb ask` to the first word, and the prompt's tokens."""
    started = time.perf_counter()
    done = subprocess.run([*_KB, "ask", question, "--kb", str(kb), "--json"], capture_output=True, check=True)
    whole = time.perf_counter() - started
    answer = json.loads(done.stdout)
    timings = answer["timings_ms"]
    # The timings begin with the question; what the process needs before it is the rest.
    return whole - (timings["total"] - timings["first_token"]) / 1000, answer["usage"]["prompt_tokens"]


def prompt_rate(kb: Path) -> float:
    """Tokens a second that the default model reads of a prompt it has not seen."""
    from generation.llm import LocalModel
    from kb import KnowledgeBase
    from kb.catalogue import DEFAULT_LLM
    from kb.model_store import ModelStore

    with KnowledgeBase.open(kb) as opened:
        text = "\n".join(hit.text for hit in opened.search(questions()[0], k=10).hits)
    model = LocalModel(ModelStore().path(DEFAULT_LLM))
    tokens = model.prompt("Answer.", text)[:700]
    started = time.perf_counter()
    model.warm(tokens)
    rate = len(tokens) / (time.perf_counter() - started)
    model.close()
    return rate


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kb", type=Path)
    parser.add_argument("--seconds", type=int, default=30, help="of searching")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    kb = arguments.kb
    rate = prompt_rate(kb)
    with served(kb) as port:
        start = median(cold([*_KB, "--version"], 5))
        sources = median([ask_timeline(kb, question)["passages"] for question in questions()[8:13]])
        firsts = [first_word(kb, question) for question in questions()[13:18]]
        leaving = [freed(port, "hits", patience) for patience in (0.0, 0.5, 1.0)]
        writing = [freed(port, "token") for _ in range(3)]
        waits, in_order, answered = queue(port)
        times, errors = searches(port, arguments.seconds)
    beyond = max(first - start - tokens / rate for first, tokens in firsts)
    rows = [
        (
            f"{_SEARCHERS} clients search for {arguments.seconds} s",
            f"{len(times):,} searches, {errors} errors, {len(times) / arguments.seconds:.0f} a second; "
            f"p50 {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s, slowest {times[-1]:.2f} s",
        ),
        (
            f"{_ASKERS} questions at once",
            f"{answered} answered, {'in' if in_order else 'not in'} the order of their coming, after "
            + ", ".join(f"{wait:.1f}" for wait in waits)
            + " s",
        ),
        (
            "a question is left while its prompt is read: the next has its turn after",
            ", ".join(f"{wait * 1000:.0f}" for wait in leaving) + " ms",
        ),
        ("... while its answer is written", ", ".join(f"{wait * 1000:.0f}" for wait in writing) + " ms"),
        ("`kb --version`, whole process (what a command needs to start)", f"{start * 1000:.0f} ms"),
        ("`kb ask` through the server: passages on screen", f"{sources * 1000:.0f} ms"),
        (
            f"`kb ask` through the server: first word, beyond start and reading at {rate:.0f} tokens/s",
            f"{beyond * 1000:.0f} ms at most, of 5 questions with prompts of "
            + ", ".join(str(tokens) for _, tokens in firsts)
            + " tokens",
        ),
    ]
    table = "| what | measured |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)
    print(table)
    if arguments.write:
        write_section("The server under load", "python -m benchmarks.load KB --write", table)


if __name__ == "__main__":
    main()
