"""Latency: what a person waits for, with processes that have just begun and with models that stay loaded.

    python -m benchmarks.latency EVAL WORK [--sets sample_docs] [--runs N] [--write]

`EVAL` is a folder of question sets (`.` for the sample documents), `WORK` one for the knowledge bases that are made of
them. Cold is a process of its own for each question, its files in the system's cache; warm is one process that has
answered before. Questions are drawn from the set, the same ones each time: N for the cold runs (default 5), four times
as many for the warm ones.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.retrieval import open_set, questions_file
from benchmarks.scoring import markdown, parser, write_section
from generation.types import Answer, Retrieved
from kb import KnowledgeBase
from kb.evaluation.measures import median
from kb.evaluation.questions import read_questions, sample

_KB = [sys.executable, "-m", "kb.main"]
_FILES = 1000
_WARM = 4


def cold(command: Sequence[str], runs: int = 1) -> list[float]:
    """Seconds of whole processes."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True)
        times.append(time.perf_counter() - started)
        if done.returncode not in (0, 1):  # 1: no answer
            raise SystemExit(done.stderr.decode())
    return times


def cold_ask(folder: Path, question: str) -> dict[str, float]:
    """Seconds from the start of `kb ask` to its first word (nothing where it refused before) and to its end."""
    started = time.perf_counter()
    done = subprocess.run([*_KB, "ask", question, "--kb", str(folder), "--json"], capture_output=True)
    whole = time.perf_counter() - started
    timings = json.loads(done.stdout)["timings_ms"]
    # The timings begin with the question; what the process needs before it is the rest.
    before = whole - timings["total"] / 1000
    times = {"passages": before + (timings["open"] + timings["retrieve"]) / 1000, "whole": whole}
    if "first_token" in timings:
        times["first word"] = before + timings["first_token"] / 1000
    return times


def warm_ask(kb: KnowledgeBase, question: str) -> tuple[dict[str, float], Answer]:
    """The same in this process, and the answer."""
    started = time.perf_counter()
    times: dict[str, float] = {}
    for event in kb.ask_stream(question):
        since = time.perf_counter() - started
        if isinstance(event, Answer):
            return times | {"whole": since}, event
        times.setdefault("passages" if isinstance(event, Retrieved) else "first word", since)
    raise AssertionError("the stream ended without an answer")


def unchanged(runs: int) -> list[float]:
    """Seconds of a second ingest of a tree of 1,000 files."""
    with tempfile.TemporaryDirectory() as scratch:
        docs, kb = Path(scratch) / "docs", Path(scratch) / "kb"
        docs.mkdir()
        for number in range(_FILES):
            (docs / f"{number}.md").write_text(f"# Note {number}\n\nThis is note number {number}.\n")
        command = [*_KB, "ingest", str(docs), "--kb", str(kb), "--json"]
        cold(command)
        time.sleep(2.5)  # a file as young as its clock's tick is read again
        cold(command)
        return cold(command, runs)


def rows(folder: Path, questions: Sequence[str], runs: int) -> list[list[str]]:
    """A set's lines of the table."""
    searches = [cold([*_KB, "search", question, "--kb", str(folder)])[0] for question in questions[:runs]]
    asks = [cold_ask(folder, question) for question in questions[:runs]]
    with KnowledgeBase.open(folder) as kb:
        kb.ask(questions[0])
        searched = [kb.search(question).timings_ms["total"] / 1000 for question in questions]
        warm = [warm_ask(kb, question) for question in questions]
    loaded = [times for times, _ in warm]
    read = [answer.prompt_tokens for _, answer in warm if answer.prompt_tokens]
    made = [answer.completion_tokens for _, answer in warm if answer.prompt_tokens]
    lines = [["`kb search`", _spread(searches), _spread(searched)]]
    for name, label in (("passages", "passages"), ("first word", "first word"), ("whole", "whole answer")):
        times = [[run[name] for run in measured if name in run] for measured in (asks, loaded)]
        lines.append([f"`kb ask`: {label}", *map(_spread, times)])
    tokens = f"{median(read):.0f} read, {median(made):.0f} written"
    return [*lines, ["tokens of an answer (median)", "", tokens]]


def _spread(seconds: Sequence[float]) -> str:
    """The median and the slowest."""
    return f"{median(seconds):.2f} s, at most {max(seconds):.2f}" if seconds else "–"


def main() -> None:
    """Measures and writes the table."""
    command = parser(__doc__, ("sample_docs",))
    command.add_argument("--runs", type=int, default=5)
    arguments = command.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    runs: int = arguments.runs
    lines = []
    for name in arguments.sets.split(","):
        open_set(arguments.eval, name, arguments.work).close()
        drawn = sample(read_questions(questions_file(arguments.eval, name)), _WARM * runs)
        found = rows(arguments.work / name, [question.text for question in drawn], runs)
        lines += [[f"{name}: {line[0]}", *line[1:]] for line in found]
    lines += [
        ["`kb --help`", _spread(cold([*_KB, "--help"], runs)), ""],
        [
            "importing sentence-transformers alone",
            _spread(cold([sys.executable, "-c", "import sentence_transformers"], runs)),
            "",
        ],
        [f"`kb ingest` of {_FILES:,} unchanged files", _spread(unchanged(runs)), ""],
    ]
    table = markdown(("median", "cold: a new process", "warm: models loaded"), lines)
    print(table)
    if arguments.write:
        place = "." if arguments.eval.resolve() == Path.cwd() else "EVAL"
        run = f"python -m benchmarks.latency {place} WORK --sets {arguments.sets} --runs {runs} --write"
        write_section("Latency", run, table)


if __name__ == "__main__":
    main()
